# success: the peer's process descriptor is of use
import socket, struct, ctypes
s = socket.socket(fileno=3)
try:
    print(struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, 17, 12)))
    fd = s.getsockopt(socket.SOL_SOCKET, 77)
    libc = ctypes.CDLL(None)
    for call, args in ((424, (fd, 19, None, 0)), (438, (fd, 0, 0)), (308, (fd, 0)), (440, (fd, None, 0, 21, 0))):
        print("BREACH" if libc.syscall(call, *args) >= 0 else "refused")
except OSError as e:
    print(e)
s.detach()
