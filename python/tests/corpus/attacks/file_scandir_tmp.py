# success: names of other sessions' directories are listed
import os
for d in ("/tmp", "..", "../..", "@NEIGHBOUR_SCRATCH@", "/root", "/home"):
    try:
        names = os.listdir(d)
        print("BREACH" if names and d not in ("..", "../..") else "only this", d, names[:5])
    except OSError as e:
        print(e)
