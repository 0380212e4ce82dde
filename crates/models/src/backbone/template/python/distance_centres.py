one, other = cloud(a, only), cloud(b, only)
value = float(np.linalg.norm(np.median(one, axis=0) - np.median(other, axis=0)))
print(f"medians {value:.4f} m apart, closest points {gap(one, other):.4f} m apart")
