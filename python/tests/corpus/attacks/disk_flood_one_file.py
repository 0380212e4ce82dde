# success: more scratch than allotted (the test gives 64 MiB)
# needs: mountns
import os
total = 0
try:
    with open("big", "wb") as f:
        while total < 1 << 30:
            f.write(b"x" * (1 << 20)); total += 1 << 20
    print("BREACH", total)
except OSError as e:
    print("bounded", total, e)
