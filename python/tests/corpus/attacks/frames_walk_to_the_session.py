# success: the loop's frames give up a descriptor or secret that opens a file
import sys
f = sys._getframe()
while f:
    for k, v in f.f_locals.items():
        if "@ENV_SECRET@" in repr(v)[:10000]:
            print("BREACH", k)
    f = f.f_back
import os
print(os.environ.get("SPATIALCLAW_CANARY"))
