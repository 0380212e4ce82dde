# prints: 0
from scipy.spatial import cKDTree
print(cKDTree(np.eye(3)).query([1,0,0])[1])
