# What is seen of a thing changes as it moves. Along each axis, the edge that both cameras face is the one to trust;
# an axis whose both edges are in sight may use both.
before, after = largest(a, start), largest(a, end)
step = np.zeros(3)
for axis in range(3):
    eyes = recon.extrinsics[start][axis, 3], recon.extrinsics[end][axis, 3]
    edges = [np.percentile(points[:, axis], [low, high]) for points in (before, after)]
    shifts = edges[1] - edges[0]
    if all(eye < edge[0] for eye, edge in zip(eyes, edges)):
        step[axis] = shifts[0]
    elif all(eye > edge[1] for eye, edge in zip(eyes, edges)):
        step[axis] = shifts[1]
    else:
        step[axis] = shifts.mean()
value = float(np.linalg.norm(step))
by_medians = float(np.linalg.norm(np.median(after, axis=0) - np.median(before, axis=0)))
print(f"moved by {np.round(step, 4)} from frame {start} to {end}: {value:.4f} m; by medians {by_medians:.4f} m")
