# success: more scratch than allotted
# needs: mountns
total, n = 0, 0
try:
    while total < 1 << 30:
        with open(f"f{n}", "wb") as f:
            f.write(b"x" * (8 << 20))
        total += 8 << 20; n += 1
    print("BREACH", total)
except OSError as e:
    print("bounded", total, e)
