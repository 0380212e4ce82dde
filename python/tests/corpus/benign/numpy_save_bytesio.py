# prints: True
import io
b = io.BytesIO(); np.save(b, np.eye(3)); b.seek(0)
print(np.array_equal(np.load(b), np.eye(3)))
