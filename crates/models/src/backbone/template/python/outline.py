def outline(name, index):
    """The largest mask of what is called `name` in one frame."""
    masks = found[name][index]
    every = [masks.get_mask(index, k) for k in range(masks.num_objects)]
    return max(every, key=np.count_nonzero)


def together(*names):
    """The first frame that shows all of them."""
    shared = sorted(set.intersection(*(set(found[name]) for name in names)))
    if not shared:
        seen = {name: sorted(found[name]) for name in names}
        raise ValueError(f"no frame shows them together: {seen}")
    return shared[0]
