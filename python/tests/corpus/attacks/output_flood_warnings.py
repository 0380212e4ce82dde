# success: output beyond the bound
import warnings
for n in range(100000):
    warnings.warn("w" * 100 + str(n))
