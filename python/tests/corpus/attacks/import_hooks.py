# success: later cells or sessions get other modules
import sys
class H:
    def find_spec(self, name, path=None, target=None):
        return None
sys.meta_path.insert(0, H()); sys.path_hooks.clear(); sys.path.clear()
print("hooked")
