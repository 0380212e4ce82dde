# success: the secret's first line is in a traceback
import traceback
try:
    exec(compile("1/0", "@SECRET_FILE@", "exec"))
except ZeroDivisionError:
    print(traceback.format_exc())
