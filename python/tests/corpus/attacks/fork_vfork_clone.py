# success: a second process by raw calls
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for number, args in ((57, ()), (58, ()), (56, (17, 0, 0, 0, 0)), (435, (ctypes.create_string_buffer(88), 88))):
    r = libc.syscall(number, *args)
    print("BREACH" if r > 0 else "refused", number, r)
