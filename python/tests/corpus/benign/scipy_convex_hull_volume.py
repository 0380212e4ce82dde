# prints: volume 1.0
from scipy.spatial import ConvexHull
c = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
print("volume", round(ConvexHull(c).volume, 6))
