# success: the host waits for ever
# slow
import os, time
os.write(3, b"\xff\0\0\0" + b"x" * 10)
while True:
    time.sleep(1)
