# All from one frame that shows every candidate; without such a frame, joined views and the first camera.
index = only if only is not None else frame_with(*candidates)
eye = recon.extrinsics[index if index is not None else recon.frame_indices[0]][:3, 3]
away = {name: nearest_to(eye, cloud(name, index)) for name in candidates}
print({name: round(value, 4) for name, value in away.items()})
order = sorted(away, key=away.get, reverse=farthest)
word = order[0]
