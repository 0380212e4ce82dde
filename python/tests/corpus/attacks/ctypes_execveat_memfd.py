# success: a program in memory runs
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.memfd_create(b"x", 0)
print("BREACH" if fd >= 0 else "refused", libc.syscall(322, fd, b"", None, None, 0x1000))
