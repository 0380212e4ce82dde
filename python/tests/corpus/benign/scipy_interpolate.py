# prints: 2.5
from scipy.interpolate import interp1d
print(float(interp1d([0, 1], [2, 3])(0.5)))
