# success: time or names of the machine change
import ctypes, time, socket
libc = ctypes.CDLL(None); b = ctypes.create_string_buffer(256)
for f in (lambda: time.clock_settime(time.CLOCK_REALTIME, 0), lambda: socket.sethostname("@TAG@")):
    try:
        f(); print("BREACH")
    except OSError as e:
        print(e)
print("BREACH" if libc.settimeofday(b, None) == 0 else "refused", "BREACH" if libc.setdomainname(b"x", 1) == 0 else "refused", "BREACH" if libc.syscall(305, 0, b) > 5 else "refused")
