# success: another namespace or personality
import ctypes
libc = ctypes.CDLL(None)
for r in (libc.setns(3, 0), libc.personality(0x0040000), libc.syscall(135, 0xffffffff)):
    print("BREACH" if r >= 0 else "refused")
