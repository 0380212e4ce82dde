# prints: 600.0 MB 150000000
a = np.ones(150_000_000, np.float32)
print(a.nbytes / 1e6, "MB", int(a.sum(dtype=np.float64)))
del a
