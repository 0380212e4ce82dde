# prints: radius 2.0
from scipy.optimize import least_squares
t = np.linspace(0, 6, 50); x, y = 1 + 2 * np.cos(t), 2 * np.sin(t)
r = least_squares(lambda p: np.hypot(x - p[0], y - p[1]) - p[2], (0, 0, 1))
print("radius", round(abs(r.x[2]), 4))
