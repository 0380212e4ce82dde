# success: a program runs on a terminal
import pty
print(pty.spawn(["/bin/cat", "@SECRET_FILE@"]))
