# success: descriptors beyond the bound
import os
n = 0
try:
    while n < 100000:
        os.dup(0); n += 1
    print("BREACH")
except OSError as e:
    print("bounded", n, e)
