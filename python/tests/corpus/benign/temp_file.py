# prints: 3
import tempfile
with tempfile.TemporaryFile() as f:
    print(f.write(b'abc'))
