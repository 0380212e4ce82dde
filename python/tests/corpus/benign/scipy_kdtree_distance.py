# prints: closest 0.5
from scipy.spatial import cKDTree
a, b = np.zeros((50, 3)), np.zeros((60, 3)); b[:, 0] = np.linspace(0.5, 2, 60)
d, _ = cKDTree(a).query(b); print("closest", d.min())
