# success: the stack that exec set up holds a secret environment
import ctypes
libc = ctypes.CDLL(None)
end = ctypes.c_char_p.in_dll(libc, "program_invocation_name")
addr = ctypes.cast(end, ctypes.c_void_p).value
print(ctypes.string_at(addr, 1500))
