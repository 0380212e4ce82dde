# success: a capability comes back
import ctypes
libc = ctypes.CDLL(None)
h = (ctypes.c_uint32 * 2)(0x20080522, 0); d = (ctypes.c_uint32 * 6)(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff)
print("BREACH" if libc.capset(h, d) == 0 else "refused", "BREACH" if libc.prctl(47, 2, 1, 0, 0) == 0 else "refused")
