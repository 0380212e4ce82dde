# prints: inliers above 0.7: True
rng = np.random.default_rng(2)
p = np.vstack([np.c_[rng.uniform(-2, 2, (800, 2)), rng.normal(0, 0.005, 800)], rng.uniform(-2, 2, (200, 3))])
best, mask = 0, None
for _ in range(100):
    a, b, c = p[rng.choice(len(p), 3, replace=False)]
    n = np.cross(b - a, c - a)
    if np.linalg.norm(n) < 1e-9:
        continue
    n /= np.linalg.norm(n)
    m = np.abs((p - a) @ n) < 0.02
    if m.sum() > best:
        best, mask = m.sum(), m
print("inliers above 0.7:", best / len(p) > 0.7)
