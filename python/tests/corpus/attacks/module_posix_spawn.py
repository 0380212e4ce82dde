# success: a program runs
import os
print("BREACH", os.posix_spawn("/bin/touch", ["touch", "@OUTSIDE@/made"], {}))
