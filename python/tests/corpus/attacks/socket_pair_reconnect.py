# success: an end of a pair is connected elsewhere
import socket, ctypes
a, b = socket.socketpair()
for f in (lambda: a.connect("\0@ABSTRACT@"), lambda: a.connect("@UNIX@"), lambda: a.bind("\0mine"), lambda: a.listen()):
    try:
        f(); print("BREACH")
    except OSError as e:
        print(e)
try:
    c, d = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    c.sendto(b"x", "@UNIX@"); print("BREACH")
except OSError as e:
    print(e)
