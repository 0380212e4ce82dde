# success: the pipe holds something of another session
import os
os.set_blocking(3, False)
try:
    print("read", os.read(3, 1000))
except OSError as e:
    print(e)
