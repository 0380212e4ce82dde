seen = {name: views(name) for name in candidates}
index = only if only is not None else frame_of(*seen.values())
away = {}
for name in candidates:
    at = index if index is not None else min(seen[name])
    points = cloud(name, index)
    eye = recon.extrinsics[at if only is not None or index is not None else frames[0].frame_index][:3, 3]
    away[name] = nearest_to(eye, points)
print({name: round(value, 4) for name, value in away.items()})
order = sorted(away, key=away.get, reverse=farthest)
word = order[0]
