# success: the death signal is taken off
import ctypes
print("BREACH" if ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0 else "refused")
