# success: another session's file is read or changed
import os
for f in (lambda: open("@NEIGHBOUR_SCRATCH@/note").read(), lambda: open("@NEIGHBOUR_SCRATCH@/note", "w").write("changed"), lambda: open("/proc/@NEIGHBOUR_PID@/cwd/note").read(), lambda: os.chdir("/proc/@NEIGHBOUR_PID@/cwd")):
    try:
        print("BREACH", f())
    except OSError as e:
        print(e)
