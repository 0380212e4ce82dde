# success: a core file
import resource, os, signal
try:
    resource.setrlimit(resource.RLIMIT_CORE, (1 << 30, 1 << 30))
except (OSError, ValueError) as e:
    print(e)
import ctypes
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
os.kill(os.getpid(), signal.SIGABRT)
