# success: shared memory, queues or semaphores of the machine
import ctypes
libc = ctypes.CDLL(None)
for r in (libc.shmget(0x1234, 1 << 20, 0o1666), libc.semget(0x1234, 1, 0o1666), libc.msgget(0x1234, 0o1666), libc.syscall(240, b"/@TAG@", 66, 0o666, None)):
    print("BREACH" if r >= 0 else "refused")
