# All frames together gave no depth: try only those in which something was found, then one by one.
useful = [frame for frame in frames if not names or any(frame.frame_index in found[name] for name in names)]
recon = reconstruct(useful) if useful else None
for frame in useful:
    if recon is None and len(useful) > 1:
        recon = reconstruct([frame])
