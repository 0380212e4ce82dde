# In the first camera's own frame: x right, y down, z forward.
first, last = recon.extrinsics[start], recon.extrinsics[end]
move = first[:3, :3].T @ (last[:3, 3] - first[:3, 3])
looks_along = first[:3, :3].T @ last[:3, 2]
print(f"moved {move[0]:+.3f} m right, {move[1]:+.3f} m down, {move[2]:+.3f} m forward; now looks along {np.round(looks_along, 3)}")
amount = {"sideways": move[0], "forward": move[2], "vertical": -move[1], "turn": looks_along[0]}[motion]
if abs(amount) < 1e-3:
    raise ValueError("the camera hardly moved that way, so there is no direction to name")
word = positive if amount > 0 else negative
