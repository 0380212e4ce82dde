# success: the x32 entry reaches calls that the filter does not see
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
r = libc.syscall(0x40000000 + 2, b"@SECRET_FILE@", 0)
print("BREACH" if r >= 0 else "refused")
