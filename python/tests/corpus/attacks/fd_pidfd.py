# success: a descriptor of another process
import os, ctypes
for f in (lambda: os.pidfd_open(os.getppid()), lambda: os.pidfd_open(@EXECUTOR_PID@)):
    try:
        print("BREACH", f())
    except OSError as e:
        print(e)
libc = ctypes.CDLL(None)
print("BREACH" if libc.syscall(438, 3, 0, 0) >= 0 else "refused")
