value = float(np.percentile(cloud(a, only)[:, 1], low))
print(f"lowest visible point {value:.4f} m above the floor (up from {recon.gravity_source})")
