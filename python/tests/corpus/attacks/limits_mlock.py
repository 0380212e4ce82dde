# success: memory that cannot be swapped
import ctypes
libc = ctypes.CDLL(None)
print("BREACH" if libc.mlockall(3) == 0 else "refused")
