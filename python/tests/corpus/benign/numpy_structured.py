# prints: best sofa
t = np.array([("chair", 1.2), ("sofa", 0.7)], dtype=[("name", "U10"), ("d", float)])
print("best", t[t["d"].argmin()]["name"])
