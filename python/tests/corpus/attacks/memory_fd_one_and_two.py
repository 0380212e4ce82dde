# success: the files behind standard output grow without bound
import os
total = 0
try:
    while total < 1 << 30:
        total += os.write(1, b"x" * (1 << 20))
    print("BREACH")
except OSError as e:
    print("bounded", e)
