# success: the process becomes another program
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
argv = (ctypes.c_char_p * 3)(b"/bin/cat", b"@SECRET_FILE@", None)
print(libc.execv(b"/bin/cat", argv), ctypes.get_errno())
