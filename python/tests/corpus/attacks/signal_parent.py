# success: the parent, the host or a neighbour is stopped or ended
import os, signal
for pid in (os.getppid(), @EXECUTOR_PID@, @NEIGHBOUR_PID@, @VICTIM_PID@, 1, -1, 0):
    for s in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL, 0):
        try:
            os.kill(pid, s); print("BREACH", pid, s)
        except OSError:
            pass
print("tried")
