# success: a program runs
import subprocess
print("BREACH", subprocess.check_output(["/bin/cat", "@SECRET_FILE@"]))
