first, last = recon.extrinsics[start], recon.extrinsics[end]
value = float(np.linalg.norm(last[:3, 3] - first[:3, 3]))
print(f"camera at {np.round(first[:3, 3], 3)}, then at {np.round(last[:3, 3], 3)}: {value:.4f} m")
