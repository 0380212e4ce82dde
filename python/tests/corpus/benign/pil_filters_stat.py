# prints: 10.0
from PIL import Image, ImageFilter, ImageOps, ImageStat
i = Image.new("L", (16, 16), 10); print(ImageStat.Stat(ImageOps.autocontrast(i.filter(ImageFilter.GaussianBlur(2)))).mean[0])
