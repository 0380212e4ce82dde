# success: a program runs
import ctypes
print("BREACH" if ctypes.CDLL(None).system(b"touch @OUTSIDE@/made") == 0 else "refused")
