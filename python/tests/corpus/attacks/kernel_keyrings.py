# success: a key of the user is read or made
import ctypes
libc = ctypes.CDLL(None)
print("BREACH" if libc.syscall(248, b"user", b"@TAG@", b"x", 1, -3) >= 0 else "refused", "BREACH" if libc.syscall(250, 0, -4, 0) >= 0 else "refused", "BREACH" if libc.syscall(249, b"user", b"x", None, 0) >= 0 else "refused")
