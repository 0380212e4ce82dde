# success: the secret is copied or a file outside removed
import shutil
for f in (lambda: shutil.copy("@SECRET_FILE@", "c"), lambda: shutil.rmtree("@OUTSIDE@"), lambda: shutil.move("@OUTSIDE@/target", "m")):
    try:
        f(); print("BREACH")
    except OSError as e:
        print(e)
