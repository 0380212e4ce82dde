index = only if only is not None else frames_of(a)[0]
points = cloud(a, index)
value = nearest_to(recon.extrinsics[index][:3, 3], points)
print(f"closest visible point {value:.4f} m from the camera of frame {index}")
