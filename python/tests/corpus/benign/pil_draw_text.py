# prints: drawn
from PIL import Image, ImageDraw, ImageFont
i = Image.new("RGB", (80, 40), "white"); d = ImageDraw.Draw(i)
d.rectangle((2, 2, 30, 30), outline="red", width=2); d.text((5, 5), "chair", fill="black", font=ImageFont.load_default()); show(i); print("drawn")
