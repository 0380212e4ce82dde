# success: output beyond the bound
import sys
for n in range(100000):
    sys.stderr.write("e" * 100)
