# success: a hard link to the secret in the scratch directory
import os
os.link("@SECRET_FILE@", "hard")
print(open("hard").read())
