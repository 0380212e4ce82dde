# prints: 16
m = np.zeros((10, 10), bool); m[2:6, 3:7] = True
print(int(m.sum())); tools.Mask.bounding_box(m)
