# prints: b'ab'
import io
print(io.BytesIO(b'abc').read(2))
