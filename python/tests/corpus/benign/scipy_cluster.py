# prints: 2 clusters
from scipy.cluster.hierarchy import fcluster, linkage
p = np.r_[np.zeros((5, 2)), np.ones((5, 2)) * 9] + np.arange(10)[:, None] * 0.01
print(len(set(fcluster(linkage(p), 1.0, "distance"))), "clusters")
