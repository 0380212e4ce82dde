# success: a viewer runs
from PIL import Image, ImageShow
class V(ImageShow.UnixViewer):
    def get_command_ex(self, file, **o): return "cat", "cat"
ImageShow.register(V(), 0)
r = Image.new("RGB", (2, 2)).show(); print(r)
