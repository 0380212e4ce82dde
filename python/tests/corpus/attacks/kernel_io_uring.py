# success: a ring that reads and connects outside the filter
import ctypes
libc = ctypes.CDLL(None)
print("BREACH" if libc.syscall(425, 8, ctypes.create_string_buffer(120)) >= 0 else "refused")
