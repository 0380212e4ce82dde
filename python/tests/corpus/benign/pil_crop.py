# prints: (4, 6)
from PIL import Image
print(Image.new('RGB',(9,9)).crop((1,2,5,8)).size)
