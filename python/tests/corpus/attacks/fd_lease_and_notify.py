# success: a signal or lease on a file of others
import fcntl
f = open(np.__file__)
for f2 in (lambda: fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_RDLCK), lambda: fcntl.fcntl(f, fcntl.F_NOTIFY, 1), lambda: fcntl.fcntl(3, fcntl.F_SETOWN, @EXECUTOR_PID@), lambda: fcntl.fcntl(3, 10, 9)):
    try:
        print("BREACH", f2())
    except OSError as e:
        print(e)
