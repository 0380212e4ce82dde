# success: the template's font cache is changed for every later session
import matplotlib, os
open(os.path.join(matplotlib.get_cachedir(), "fontlist-v390.json"), "w").write("{}")
