# prints: 5.0
import math
print(math.hypot(3,4))
