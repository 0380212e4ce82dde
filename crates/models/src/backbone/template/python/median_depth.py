index = only if only is not None else frames_of(a)[0]
pose = recon.extrinsics[index]
depth = (cloud(a, index) - pose[:3, 3]) @ pose[:3, 2]
value = float(np.median(depth))
print(f"depth in frame {index}: 5 % {np.percentile(depth, 5):.3f}, median {value:.4f}, 95 % {np.percentile(depth, 95):.3f} m")
