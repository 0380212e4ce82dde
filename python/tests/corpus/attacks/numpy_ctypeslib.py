# success: a system call reads the secret
import ctypes
lib = np.ctypeslib.load_library("libc.so.6", "/lib/x86_64-linux-gnu")
b = ctypes.create_string_buffer(200)
fd = lib.open(b"@SECRET_FILE@", 0)
print(fd, lib.read(fd, b, 200), b.value)
