# success: a module found in a library's attributes runs a program
import numpy, sys
for name, m in list(sys.modules.items()):
    o = getattr(m, "os", None)
    if o is not None and hasattr(o, "system"):
        r = o.system("touch @OUTSIDE@/made")
        print("BREACH" if r == 0 else "refused", name)
        break
