# success: the upper half of the process number is not looked at
import ctypes
libc = ctypes.CDLL(None)
print("BREACH" if libc.syscall(62, ctypes.c_long((1 << 32) | @VICTIM_PID@), 9) == 0 else "refused")
