from scipy.spatial import ConvexHull, cKDTree

# A measured depth is taken at its word; an estimated one has flying pixels, so its extremes are trimmed.
measured = "sensor" in recon.engine
low, high = (0, 100) if measured else (2, 98)


def lift(masks, index, k):
    """World points of one mask in one frame, without pixels that float alone."""
    points = masks.get_masked_points(recon, index, k).astype(float)
    if len(points) < 8:
        return points
    pose = recon.extrinsics[index]
    depth = (points - pose[:3, 3]) @ pose[:3, 2]
    pixel = depth / recon.intrinsics[index]["fx"]  # metres that one pixel covers there
    third_neighbour = cKDTree(points).query(points, k=4)[0][:, 3]
    keep = third_neighbour < 8 * pixel
    if not measured:
        spread = 1.4826 * np.median(np.abs(depth - np.median(depth)))
        keep &= np.abs(depth - np.median(depth)) < max(4 * spread, 0.05)
    return points[keep]


def overlap(thing, cloud):
    """Share of the smaller cloud that lies on the other; high for two views of one thing."""
    joined = np.vstack(list(thing.values()))
    if len(joined) == 0 or len(cloud) == 0:
        return 0.0
    small, large = sorted([joined, cloud], key=len)
    size = np.linalg.norm(np.ptp(small, axis=0))
    sample = small[:: max(1, len(small) // 1500)]
    share = (cKDTree(large).query(sample)[0] < min(0.05, 0.1 * size)).mean()
    apart = np.linalg.norm(np.median(joined, axis=0) - np.median(cloud, axis=0))
    return max(share, 0.5 if apart < 0.2 * size else 0.0)


def instances(name):
    """The things called `name`, each as world points by frame; the one seen most comes first."""
    things = []
    for index, masks in found[name].items():
        if index not in recon.frame_indices:
            continue
        clouds = [lift(masks, index, k) for k in range(masks.num_objects)]
        known = len(things)
        pairs = [(overlap(things[t], clouds[k]), t, k) for t in range(known) for k in range(len(clouds))]
        matched_things, matched_clouds = set(), set()
        for share, t, k in sorted(pairs, reverse=True):
            if share > 0.15 and t not in matched_things and k not in matched_clouds:
                things[t][index] = clouds[k]
                matched_things.add(t)
                matched_clouds.add(k)
        things += [{index: cloud} for k, cloud in enumerate(clouds) if k not in matched_clouds]
    return sorted(things, key=lambda thing: -sum(len(cloud) for cloud in thing.values()))


def views(name):
    """World points by frame of the one thing called `name`."""
    things = [thing for thing in instances(name) if sum(len(cloud) for cloud in thing.values())]
    if not things:
        raise ValueError(f"no depth was read on {name!r}")
    if len(things) > 1:
        print(f"{len(things)} different things are called {name!r}; taking the one seen most")
    return {index: cloud for index, cloud in things[0].items() if len(cloud)}


def frames_of(name):
    """Frames in which depth was read on something called `name`, first to last."""
    read = [
        index
        for index, masks in found[name].items()
        if index in recon.frame_indices
        and any(len(masks.get_masked_points(recon, index, k)) for k in range(masks.num_objects))
    ]
    if not read:
        raise ValueError(f"no depth was read on {name!r}")
    return sorted(read)


def largest(name, index):
    """World points of the largest thing called `name` in one frame."""
    if index not in frames_of(name):
        raise ValueError(f"{name!r} is not seen with depth in frame {index}, only in {frames_of(name)}")
    masks = found[name][index]
    return max((lift(masks, index, k) for k in range(masks.num_objects)), key=len)


def cloud(name, only=None):
    """World points of `name`: joined over all frames, or from one."""
    if only is not None:
        points, where = largest(name, only), f"frame {only}"
    else:
        seen = views(name)
        points, where = np.vstack(list(seen.values())), f"frames {sorted(seen)}"
    print(f"{name}: {len(points)} points from {where}, median {np.round(np.median(points, axis=0), 3)}")
    return points


def gap(one, other):
    """Distance between the closest points of two clouds."""
    away = cKDTree(other).query(one)[0]
    return float(away.min() if measured else np.percentile(away, 1))


def nearest_to(eye, points):
    """Distance from a place to the closest of some points."""
    return float(np.percentile(np.linalg.norm(points - eye, axis=1), low))


def frame_with(*names):
    """The first frame in which depth was read on all of them, or None."""
    shared = set.intersection(*(set(frames_of(name)) for name in names))
    return min(shared, default=None)
