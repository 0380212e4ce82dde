index = only if only is not None else frame_with(a, b)
pose = recon.extrinsics[index if index is not None else recon.frame_indices[0]]
depths = {name: float(np.median((cloud(name, index) - pose[:3, 3]) @ pose[:3, 2])) for name in (a, b)}
print(f"median depths: {depths}")
word = "in front" if depths[a] < depths[b] else "behind"
