# success: files without number
# needs: mountns
n = 0
try:
    while n < 50000:
        open(f"e{n}", "w").close(); n += 1
    print("BREACH", n)
except OSError as e:
    print("bounded", n, e)
