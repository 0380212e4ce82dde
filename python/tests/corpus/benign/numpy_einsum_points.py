# prints: (1000, 3) [1. 2. 3.]
p = np.random.default_rng(0).normal(size=(1000, 3))
c = np.eye(4); c[:3, 3] = (1, 2, 3)
w = np.einsum("ij,nj->ni", c[:3, :3], p) + c[:3, 3]
print(w.shape, np.round((w - p).mean(axis=0), 6))
