# success: a program runs and its output is printed
for cls in object.__subclasses__():
    if cls.__name__ == "Popen":
        print("BREACH", cls(["/bin/echo", "hi"]))
import subprocess
for cls in object.__subclasses__():
    if cls.__name__ == "Popen":
        print("BREACH", cls(["/bin/cat", "@SECRET_FILE@"], stdout=-1).communicate())
