# success: the machine is hurt
import ctypes
libc = ctypes.CDLL(None)
for r in (libc.syscall(175, b"x", 1, b""), libc.syscall(313, 0, b"", 0), libc.syscall(169, 0xfee1dead, 672274793, 0, None), libc.swapoff(b"/dev/null"), libc.acct(None), libc.syscall(246, 0, 0, None, 0), libc.syscall(179, 0x80000700, b"", 0, None), libc.iopl(3), libc.ioperm(0, 1, 1)):
    print("BREACH" if r >= 0 else "refused")
