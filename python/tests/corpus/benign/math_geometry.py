# prints: 90.0
import math
print(math.degrees(math.atan2(1, 0)), math.hypot(3, 4), math.isclose(0.1 + 0.2, 0.3))
