# success: mode, owner or times of a file outside change
import os
for f in (lambda: os.chmod("@OUTSIDE@/target", 0o777), lambda: os.chown("@OUTSIDE@/target", 1, 1), lambda: os.utime("@OUTSIDE@/target", (1, 1)), lambda: os.setxattr("@OUTSIDE@/target", "user.x", b"1")):
    try:
        f()
    except OSError as e:
        print(e)
