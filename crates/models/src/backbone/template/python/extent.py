def box(points, index):
    """Sides of the gravity-aligned box around some points; width is what lies across the view of a frame."""
    inside = np.all((points >= np.percentile(points, low, axis=0)) & (points <= np.percentile(points, high, axis=0)), axis=1)
    points = points[inside] if inside.sum() > 8 else points
    flat = points[:, [0, 2]]
    try:
        corners = flat[ConvexHull(flat).vertices]
    except Exception:  # all points on one line
        corners = flat
    best = None
    for edge in np.roll(corners, -1, axis=0) - corners:
        if np.linalg.norm(edge) > 1e-9:
            first = edge / np.linalg.norm(edge)
            second = np.array([-first[1], first[0]])
            sides = np.ptp(corners @ first), np.ptp(corners @ second)
            if best is None or sides[0] * sides[1] < best[0]:
                best = sides[0] * sides[1], sides, (first, second)
    _, sides, axes = best if best else (0.0, (0.0, 0.0), (np.array([1.0, 0.0]), np.array([0.0, 1.0])))
    view_right = recon.extrinsics[index][[0, 2], 0]
    across = int(np.argmax([abs(axis @ view_right) for axis in axes]))
    measures = {
        "height": float(np.ptp(points[:, 1])),
        "width": float(sides[across]),
        "depth": float(sides[1 - across]),
        "length": float(max(sides)),
    }
    measures["volume"] = measures["height"] * float(sides[0]) * float(sides[1])
    return measures


def sides_of(name):
    """The box around what is called `name`, and what it measures."""
    sides = box(cloud(name, only), frames_of(name)[0] if only is None else only)
    print(f"{name}: " + ", ".join(f"{key} {value:.4f}" for key, value in sides.items()))
    return sides
