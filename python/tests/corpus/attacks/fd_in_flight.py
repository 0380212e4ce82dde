# success: descriptors in flight count against the whole user
import socket, array
a, b = socket.socketpair()
try:
    for n in range(200):
        a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 200))])
    print("BREACH")
except OSError as e:
    print("refused", e)
