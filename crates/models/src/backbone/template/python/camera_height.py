index = only if only is not None else frames[0].frame_index
value = float(recon.extrinsics[index][1, 3])
print(f"camera of frame {index} {value:.4f} m above the floor (up from {recon.gravity_source})")
