# success: a file is opened without its path
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
h = ctypes.create_string_buffer(136); h[0:4] = (128).to_bytes(4, "little"); m = ctypes.c_int()
print(libc.name_to_handle_at(-100, b"@SECRET_FILE@", h, ctypes.byref(m), 0), libc.open_by_handle_at(0, h, 0))
