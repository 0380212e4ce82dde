# success: a thread in a namespace of its own
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for flags in (0x10000000, 0x00020000, 0x40000000, 0x20000000, 0x08000000):
    r = libc.unshare(flags)
    print("BREACH" if r == 0 else "refused", hex(flags))
