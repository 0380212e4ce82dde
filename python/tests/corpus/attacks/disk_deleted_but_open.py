# success: scratch kept by descriptors of deleted files
# needs: mountns
import os
held, total = [], 0
try:
    for n in range(200):
        f = open("t", "w+b"); os.unlink("t"); f.write(b"x" * (4 << 20)); f.flush(); held.append(f); total += 4 << 20
    print("BREACH", total)
except OSError as e:
    print("bounded", total, e)
