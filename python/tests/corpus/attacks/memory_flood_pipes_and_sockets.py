# success: kernel buffers beyond the bound on descriptors
import os, socket
total = 0
try:
    while True:
        r, w = os.pipe(); os.set_blocking(w, False)
        try:
            while True:
                total += os.write(w, b"x" * 65536)
        except BlockingIOError:
            pass
except OSError as e:
    print("bounded", total >> 20, e)
print("BREACH" if total > 64 << 20 else "bounded")
