# success: a picture outside is read
from PIL import Image
print(Image.open("@OUTSIDE@/picture.png").size); print("BREACH")
