# success: a small archive fills memory or scratch
import zlib
z = zlib.compress(b"\0" * (200 << 20))
d = [zlib.decompress(z) for n in range(100)]
