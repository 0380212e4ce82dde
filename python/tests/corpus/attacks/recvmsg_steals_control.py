# success: the template's control socket is reached
import socket
for fd in range(4, 64):
    try:
        s = socket.socket(fileno=fd); print("BREACH", fd, s)
    except OSError:
        pass
print("tried")
