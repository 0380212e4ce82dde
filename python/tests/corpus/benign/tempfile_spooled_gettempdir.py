# prints: True
import os, tempfile
with tempfile.SpooledTemporaryFile(10) as f, tempfile.TemporaryFile() as g: f.write(b"x" * 100); g.write(b"y")
print(os.access(tempfile.gettempdir(), os.W_OK))
