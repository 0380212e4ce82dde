# success: output beyond the bound
for n in range(300000):
    print("x" * 100)
