# success: the file tree changes
import ctypes
libc = ctypes.CDLL(None)
for r in (libc.mount(b"none", b".", b"tmpfs", 0, None), libc.umount2(b"/", 2), libc.chroot(b"."), libc.syscall(155, b".", b"."), libc.syscall(430, b"tmpfs", 0), libc.syscall(428, -100, b"/", 0), libc.syscall(442, -100, b"/", 0, None, 0)):
    print("BREACH" if r >= 0 else "refused")
