# success: a program or counter in the machine's kernel
import ctypes
libc = ctypes.CDLL(None); b = ctypes.create_string_buffer(128)
print("BREACH" if libc.syscall(321, 0, b, 128) >= 0 else "refused", "BREACH" if libc.syscall(298, b, 0, -1, -1, 0) >= 0 else "refused")
