# success: libc reads the secret
import ctypes
libc = ctypes.CDLL(None, use_errno=True); b = ctypes.create_string_buffer(200)
fd = libc.open(b"@SECRET_FILE@", 0); libc.read(fd, b, 200); print(fd, b.value)
