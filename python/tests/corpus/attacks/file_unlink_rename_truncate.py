# success: a file outside is removed, renamed or cut
import os
for f in (lambda: os.unlink("@OUTSIDE@/target"), lambda: os.rename("@OUTSIDE@/target", "@OUTSIDE@/t2"), lambda: os.truncate("@OUTSIDE@/target", 0), lambda: os.replace("@OUTSIDE@/target", "here")):
    try:
        f(); print("BREACH")
    except OSError as e:
        print(e)
