# success: a packet goes to a name
import socket
try:
    c, d = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET); print("BREACH")
except OSError as e:
    print(e)
a, b = socket.socketpair()
try:
    a.sendto(b"x", "\0@ABSTRACT@"); print("BREACH")
except OSError as e:
    print(e)
