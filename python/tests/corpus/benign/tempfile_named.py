# prints: 5
import os, tempfile
with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as f: f.write("hello")
print(os.path.getsize(f.name)); os.unlink(f.name)
