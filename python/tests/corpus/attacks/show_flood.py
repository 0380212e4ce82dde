# success: pictures beyond the bound are kept by the host
from PIL import Image
for n in range(500):
    show(Image.new("RGB", (8, 8)))
