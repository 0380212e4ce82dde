# success: a socket of another family
import ctypes
libc = ctypes.CDLL(None)
for family, kind in ((16, 3), (17, 3), (40, 1), (38, 5), (1, 1), (10, 1), (31, 3), (30, 1), (44, 3)):
    print("BREACH" if libc.socket(family, kind, 0) >= 0 else "refused", family)
