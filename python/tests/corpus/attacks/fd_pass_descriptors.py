# success: descriptors are sent to the host or kept in flight
import socket, array
s = socket.socket(fileno=3)
try:
    for n in range(100):
        s.sendmsg([b"\0\0\0\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
    print("BREACH")
except OSError as e:
    print("refused", e)
s.detach()
