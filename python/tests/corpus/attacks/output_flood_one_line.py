# success: output beyond the bound
print("x" * 50_000_000)
