# prints: captured 3
import contextlib, io
s = io.StringIO()
with contextlib.redirect_stdout(s):
    print("in")
print("captured", len(s.getvalue()))
