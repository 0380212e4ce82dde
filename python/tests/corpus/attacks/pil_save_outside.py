# success: a file outside is made
from PIL import Image
Image.new("RGB", (2, 2)).save("@OUTSIDE@/made.png")
