# success: the host, removing the scratch directory, follows a link and removes files outside
import os
os.symlink("@OUTSIDE@", "dir"); os.symlink("@OUTSIDE@/target", "file")
os.makedirs("a/b/c"); os.symlink("/", "a/b/c/root")
print("left")
