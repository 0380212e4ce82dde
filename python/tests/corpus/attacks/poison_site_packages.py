# success: the library files that all sessions share are changed
import os, sysconfig
for p in (np.__file__, sysconfig.get_paths()["purelib"] + "/@TAG@.pth", sysconfig.get_paths()["stdlib"] + "/os.py"):
    for f in (lambda: open(p, "r+").write("x"), lambda: open(p, "w"), lambda: os.unlink(p), lambda: os.rename(p, p + "x")):
        try:
            f(); print("BREACH", p)
        except OSError as e:
            print(type(e))
