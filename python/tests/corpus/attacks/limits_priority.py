# success: the process gets more of the machine than others
import os
for f in (lambda: os.nice(-20), lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)), lambda: os.setpriority(os.PRIO_PROCESS, @EXECUTOR_PID@, 19), lambda: os.sched_setaffinity(@EXECUTOR_PID@, {0})):
    try:
        f(); print("BREACH")
    except OSError as e:
        print(e)
import ctypes
print("BREACH" if ctypes.CDLL(None).syscall(251, 1, 0, 0x2000) == 0 else "refused")
