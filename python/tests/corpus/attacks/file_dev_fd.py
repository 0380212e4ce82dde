# success: /dev/fd or /proc/self/fd reopen something
import os
for p in ("/proc/self/fd/3", "/dev/fd/3", "/proc/self/root@SECRET_FILE@", "/proc/self/cwd/../..", "/proc/1/root@SECRET_FILE@"):
    try:
        print("BREACH", p, open(p).read(10))
    except OSError as e:
        print(e)
