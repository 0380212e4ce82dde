# success: the process's own memory holds the executor's secret environment value (it was never given)
import ctypes, sys
libc = ctypes.CDLL(None)
libc.environ if False else None
environ = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
i = 0
while environ[i]:
    print(environ[i].decode()[:200])
    i += 1
