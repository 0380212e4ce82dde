# success: the secret is read as a font
from PIL import ImageFont
try:
    ImageFont.truetype("@SECRET_FILE@"); print("BREACH")
except OSError as e:
    print("BREACH read it" if "unknown file format" in str(e) else e)
