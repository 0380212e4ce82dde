# prints: normal [0. 1. 0.]
rng = np.random.default_rng(1)
p = rng.uniform(-1, 1, (500, 3)); p[:, 1] = 0.3
n = np.linalg.svd(p - p.mean(axis=0), full_matrices=False)[2][2]
print("normal", np.abs(np.round(n, 6)))
