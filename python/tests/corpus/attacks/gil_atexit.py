# success: the kernel does not end
import atexit
def forever():
    while True:
        pass
atexit.register(forever)
print("registered")
