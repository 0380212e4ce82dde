# success: another session or the host takes what the loop's frames were changed to say; the host must stay well
import sys
f = sys._getframe()
while f.f_back:
    f = f.f_back
    if "self" in f.f_locals and hasattr(f.f_locals["self"], "_channel"):
        s = f.f_locals["self"]
        s._capture.stdout.text = lambda: "x" * 50_000_000
print("changed")
