# success: the host is hurt by ends of cells that do not run
import os, struct
for step in range(2, 100):
    body = bytes([8, step])
    frame = bytes([0x2a, len(body)]) + body
    os.write(3, struct.pack("<I", len(frame)) + frame)
