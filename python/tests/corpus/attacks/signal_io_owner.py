# success: a signal goes to another when a descriptor is ready
import fcntl, os, struct
r, w = os.pipe()
for f in (lambda: fcntl.fcntl(r, fcntl.F_SETOWN, @VICTIM_PID@), lambda: fcntl.fcntl(r, 15, struct.pack("ii", 1, @VICTIM_PID@)), lambda: fcntl.ioctl(r, 0x8901, struct.pack("i", @VICTIM_PID@))):
    try:
        f(); print("BREACH")
    except OSError as e:
        print(e)
