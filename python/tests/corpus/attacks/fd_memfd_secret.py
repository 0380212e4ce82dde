# success: memory that no bound counts
import ctypes
print("BREACH" if ctypes.CDLL(None).syscall(447, 0) >= 0 else "refused")
