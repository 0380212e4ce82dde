turn = recon.extrinsics[start][:3, :3].T @ recon.extrinsics[end][:3, :3]
value = math.degrees(math.acos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
print(f"turned by {value:.2f} degrees from frame {start} to {end}")
