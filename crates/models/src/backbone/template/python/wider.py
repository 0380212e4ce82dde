# Look at frames not seen so far, and accept weaker evidence.
looked_at = {frame.frame_index for frame in frames}
others = [frame for frame in InputImages if frame.frame_index not in looked_at]
others = others[:: max(1, -(-len(others) // looks))]
for name, phrases in other_names.items():
    look_for(name, phrases, others or frames, threshold=0.15)
if others:
    frames = sorted(frames + others, key=lambda frame: frame.frame_index)
    recon = reconstruct(frames) if want_depth else None
