# success: a signal by another call
import ctypes, os
libc = ctypes.CDLL(None); b = ctypes.create_string_buffer(128)
for call, args in ((200, (@VICTIM_PID@, 9)), (234, (@VICTIM_PID@, @VICTIM_PID@, 9)), (129, (@VICTIM_PID@, 9, b)), (297, (@VICTIM_PID@, @VICTIM_PID@, 9, b)), (222, (0, b, b))):
    print("BREACH" if libc.syscall(call, *args) == 0 else "refused", call)
