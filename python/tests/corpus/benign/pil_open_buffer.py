# prints: JPEG (20, 10)
import io
from PIL import Image
b = io.BytesIO(); Image.new("RGB", (20, 10)).save(b, "JPEG"); print(Image.open(io.BytesIO(b.getvalue())).format, Image.open(b).size)
