# success: pages shared with the template are changed
import ctypes
a = id(7) + 24
ctypes.memset(a, 9, 1)
