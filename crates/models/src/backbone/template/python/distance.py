one, other = cloud(a, only), cloud(b, only)
value = gap(one, other)
between_medians = float(np.linalg.norm(np.median(one, axis=0) - np.median(other, axis=0)))
print(f"closest points {value:.4f} m apart, medians {between_medians:.4f} m apart")
