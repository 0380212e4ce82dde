# success: a font file outside is loaded or the secret is read
from matplotlib import ft2font
try:
    ft2font.FT2Font("@SECRET_FILE@"); print("BREACH")
except RuntimeError as e:
    print("BREACH read it", e)
