# success: newer calls open what older ones may not
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
how = (ctypes.c_uint64 * 3)(0, 0, 0)
r = libc.syscall(437, -100, b"@SECRET_FILE@", how, 24)
print("BREACH" if r >= 0 else "refused", r)
