# success: more scratch than allotted
# needs: mountns
import os
fd = os.open("f", os.O_CREAT | os.O_RDWR)
try:
    os.posix_fallocate(fd, 0, 1 << 30); print("BREACH")
except OSError as e:
    print("bounded", e)
