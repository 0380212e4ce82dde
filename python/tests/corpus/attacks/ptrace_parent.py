# success: the parent is traced
import ctypes, os
libc = ctypes.CDLL(None)
for request, pid in ((16, os.getppid()), (0x4206, os.getppid()), (16, @EXECUTOR_PID@), (16, @NEIGHBOUR_PID@), (0, 0)):
    print("BREACH" if libc.ptrace(request, pid, 0, 0) == 0 else "refused")
