# success: the cell learns that a file exists and how large it is
# needs: root
import os
try:
    print("BREACH", os.stat("@SECRET_FILE@").st_size)
except OSError as e:
    print(e)
print("BREACH" if os.path.exists("/etc/shadow") or os.access("@SECRET_DIR@", os.F_OK) else "hidden")
