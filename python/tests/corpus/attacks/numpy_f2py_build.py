# success: a compiler runs
import numpy.f2py as f
print(f.compile("subroutine x\nend subroutine", modulename="@TAG@"))
import os; print("BREACH" if os.path.exists("@TAG@.so") else "refused")
