# success: another session or the host's own books are touched; for its own session a cell may say what it likes
import os, struct
body = bytes([8, 1, 0x1a, 6]) + b"forged"
frame = bytes([0x2a, len(body)]) + body
os.write(3, struct.pack("<I", len(frame)) + frame)
print("after")
