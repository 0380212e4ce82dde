# prints: x.png .png
import os
print(os.path.basename(os.path.join("a", "x.png")), os.path.splitext("x.png")[1], end="\n"); os.environ.get("HOME"); os.getcwd(); os.getpid(); os.cpu_count()
