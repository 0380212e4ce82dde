# The same thing seen in several frames counts once.
at_once = max((masks.num_objects for masks in found[a].values()), default=0)
things = [thing for thing in instances(a) if sum(len(points) for points in thing.values())]
for thing in things:
    where = np.round(np.median(np.vstack(list(thing.values())), axis=0), 2)
    print(f"one around {where}, in frames {sorted(thing)}")
value = max(at_once, len(things))
print(f"at most {at_once} in one frame, {len(things)} different ones over all frames")
