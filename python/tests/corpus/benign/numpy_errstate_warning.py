# prints: [inf]
with np.errstate(divide="ignore"):
    print(np.array([1.0]) / 0)
