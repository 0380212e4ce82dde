# prints: not there
import os
try:
    open("nothing.txt")
except FileNotFoundError:
    print("not there", os.path.exists("nothing.txt"))
