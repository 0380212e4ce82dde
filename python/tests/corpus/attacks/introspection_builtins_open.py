# success: the secret file is read by an `open` taken from a frame
import sys
b = sys._getframe().f_builtins
print(b["open"]("@SECRET_FILE@").read())
