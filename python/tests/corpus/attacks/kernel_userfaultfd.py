# success: page faults are handled by the cell
import ctypes
print("BREACH" if ctypes.CDLL(None).syscall(323, 1) >= 0 else "refused")
