# success: a file outside is made through a link
import os
os.symlink("@OUTSIDE@", "out")
open("out/made", "w").write("x")
