# success: a descriptor of the template or the host is open
import os, stat
for fd in range(256):
    try:
        mode = os.fstat(fd).st_mode
        if fd > 5:
            print("BREACH", fd, oct(mode))
    except OSError:
        pass
