# prints: (3, 2)
from PIL import Image
Image.new('L',(3,2)).save('a.png')
print(Image.open('a.png').size)
