# prints: True
import tempfile,os
with tempfile.TemporaryDirectory() as d:
    print(os.path.isdir(d))
