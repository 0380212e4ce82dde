# success: native code from the scratch directory runs (it may: it has the same walls) and reads the secret
import ctypes
open("x.so", "wb").write(open(np._core._multiarray_umath.__file__, "rb").read())
try:
    ctypes.CDLL("./x.so")
except OSError as e:
    print(e)
print(open("@SECRET_FILE@").read())
