# prints: went on
# warns
import warnings
warnings.warn("depth is sparse"); print("went on")
