# success: a flag on a descriptor shared with the template changes the template's
import os
os.set_blocking(0, False)
print(os.read(0, 10))
