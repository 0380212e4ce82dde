# prints: PNG
import io
from PIL import Image
b = io.BytesIO(); plt.plot([1, 2]); plt.savefig(b); plt.close(); b.seek(0); print(Image.open(b).format)
