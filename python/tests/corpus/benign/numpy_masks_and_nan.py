# prints: mean 2.5 of 4
d = np.array([[1.0, 2.0, np.nan], [3.0, 4.0, np.inf]])
ok = np.isfinite(d)
print("mean", d[ok].mean(), "of", ok.sum())
