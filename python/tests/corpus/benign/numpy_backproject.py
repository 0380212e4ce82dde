# prints: centre [0. 0. 2.]
h, w, f = 48, 64, 50.0
depth = np.full((h, w), 2.0, np.float32)
v, u = np.indices((h, w))
xyz = np.stack([(u - (w - 1) / 2) * depth / f, (v - (h - 1) / 2) * depth / f, depth], -1)
print("centre", np.round(xyz.reshape(-1, 3).mean(axis=0), 4) + 0.0)
