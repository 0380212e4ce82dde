# success: the process becomes another user
import os
for f in (lambda: os.setuid(0), lambda: os.setuid(12345), lambda: os.setgid(0), lambda: os.setgroups([0]), lambda: os.setresuid(0, 0, 0), lambda: os.seteuid(0), lambda: os.setfsuid if False else os.initgroups("root", 0)):
    try:
        f(); print("BREACH")
    except (OSError, AttributeError) as e:
        print(e)
