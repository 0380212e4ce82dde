# success: a tree so deep that its removal hurts the host
# needs: mountns
import os
n = 0
try:
    while n < 50000:
        os.mkdir("d"); os.chdir("d"); n += 1
except OSError as e:
    print("bounded", n, e)
