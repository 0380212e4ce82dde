# prints: gone
import os, shutil
os.makedirs("t/u"); open("t/u/f", "w").close(); shutil.copytree("t", "v"); shutil.rmtree("t"); shutil.rmtree("v"); print("gone" if not os.path.exists("t") else "there")
