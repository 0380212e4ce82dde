# prints: fine
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore"); warnings.warn("x")
print("fine")
