# success: the parent's environment can be read
import os
for pid in (os.getppid(), @EXECUTOR_PID@, @VICTIM_PID@, 1):
    try:
        print(open(f"/proc/{pid}/environ", "rb").read())
    except OSError as e:
        print(e)
