# success: libc reads the secret
import ctypes
libc = ctypes.CDLL(None); libc.fopen.restype = ctypes.c_void_p
print("BREACH" if libc.fopen(b"@SECRET_FILE@", b"r") else "refused")
