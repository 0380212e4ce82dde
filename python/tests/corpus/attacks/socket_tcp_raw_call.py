# success: the listener is contacted
import ctypes
print("BREACH" if ctypes.CDLL(None).socket(2, 1, 0) >= 0 else "refused")
