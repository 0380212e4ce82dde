# success: memory of another process is read or written
import ctypes, os
libc = ctypes.CDLL(None)
b = ctypes.create_string_buffer(64)
class V(ctypes.Structure): _fields_ = [("p", ctypes.c_void_p), ("n", ctypes.c_size_t)]
l, r = V(ctypes.addressof(b), 64), V(0x400000, 64)
for pid in (os.getppid(), @EXECUTOR_PID@, @NEIGHBOUR_PID@, @VICTIM_PID@):
    print("BREACH" if libc.process_vm_readv(pid, ctypes.byref(l), 1, ctypes.byref(r), 1, 0) > 0 else "refused")
    print("BREACH" if libc.process_vm_writev(pid, ctypes.byref(l), 1, ctypes.byref(r), 1, 0) > 0 else "refused")
print("BREACH" if libc.syscall(312, os.getpid(), os.getppid(), 0, 0, 0) >= 0 else "refused")
