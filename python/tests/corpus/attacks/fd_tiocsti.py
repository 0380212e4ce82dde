# success: a key is typed into a terminal of the host
import fcntl, termios
for fd in (0, 1, 2):
    try:
        fcntl.ioctl(fd, termios.TIOCSTI, b"x"); print("BREACH")
    except OSError as e:
        print(e)
