# success: the level of walls in the books changes
import os, struct
body = bytes([0x12, 4]) + b"none"
frame = bytes([0x0a, len(body)]) + body
os.write(3, struct.pack("<I", len(frame)) + frame)
