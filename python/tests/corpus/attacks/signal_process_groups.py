# success: a group of processes is signalled
import os, signal, ctypes
libc = ctypes.CDLL(None)
for f in (lambda: os.killpg(0, 9), lambda: os.killpg(os.getpgid(os.getppid()), 9), lambda: os.setpgid(0, 0), lambda: os.tcsetpgrp(0, os.getpgrp()), lambda: os.setsid()):
    try:
        f(); print("BREACH")
    except OSError as e:
        print(e)
