# success: a link in the scratch directory leads out
import os
os.symlink("@SECRET_FILE@", "link")
print(open("link").read())
