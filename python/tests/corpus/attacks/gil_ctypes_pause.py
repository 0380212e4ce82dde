# success: a cell that cannot be ended
# slow
import ctypes
pylib = ctypes.PyDLL(None)
pylib.sleep(10000)
