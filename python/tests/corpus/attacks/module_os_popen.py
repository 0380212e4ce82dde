# success: a program runs
import os
print(os.popen("cat @SECRET_FILE@").read())
