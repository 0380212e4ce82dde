# prints: (5, 6)
from PIL import Image
Image.new("RGB", (5, 6)).save("out.png"); print(Image.open("out.png").size)
