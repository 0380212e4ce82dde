# prints: ['c', 'd'] 3
import os, shutil
open("a", "w").write("abc"); shutil.copy("a", "b"); shutil.copy2("b", "c"); shutil.move("a", "d"); os.remove("b"); print(sorted(os.listdir(".")), os.stat("c").st_size)
