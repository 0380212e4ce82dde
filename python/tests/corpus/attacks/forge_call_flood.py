# success: the host serves without end
# slow
import os, struct
frame = bytes([0x12, 6, 8, 1, 0x12, 2, 8, 0])
data = (struct.pack("<I", len(frame)) + frame) * 1000
while True:
    os.write(3, data)
