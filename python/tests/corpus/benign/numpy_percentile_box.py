# prints: box [2 1 7 5]
m = np.zeros((10, 12), bool); m[1:6, 2:8] = True
ys, xs = np.nonzero(m)
print("box", np.array([xs.min(), ys.min(), xs.max(), ys.max()]))
