# success: memory of another process is read
import os
for pid in (os.getppid(), @EXECUTOR_PID@, @NEIGHBOUR_PID@, @VICTIM_PID@, "self"):
    for name in ("mem", "maps", "fd", "environ", "cmdline", "root", "cwd", "task", "stack", "syscall", "auxv"):
        p = f"/proc/{pid}/{name}"
        if pid == "self" and name in ("root", "cwd"):
            continue  # where it is, it knows
        for f in (lambda: open(p, "rb").read(10), lambda: os.listdir(p), lambda: os.readlink(p)):
            try:
                f(); print("BREACH", p)
            except OSError:
                pass
print("tried")
