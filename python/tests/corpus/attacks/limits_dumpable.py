# success: the process can be looked into again
import ctypes
libc = ctypes.CDLL(None)
print("BREACH" if libc.prctl(4, 1, 0, 0, 0) == 0 else "refused", "BREACH" if libc.prctl(0x59616d61, -1, 0, 0, 0) == 0 else "refused")
