# success: raising walls again changes what stands
import spatialclaw._host as h
try:
    print(h.Walls(["/"], []).attempt("/", {k: 1 << 40 for k in ("memory_bytes", "cpu_seconds", "file_bytes", "scratch_bytes", "open_files", "threads")}))
except BaseException as e:
    print(type(e))
print(open("@SECRET_FILE@").read())
