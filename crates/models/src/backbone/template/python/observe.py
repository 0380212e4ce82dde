# A few frames, evenly spread, and those that the question names.
spread = np.linspace(0, len(InputImages) - 1, min(looks, len(InputImages)))
positions = {int(round(at)) for at in spread}
positions |= {at for at, frame in enumerate(InputImages) if frame.frame_index in must_see}
frames = [InputImages[at] for at in sorted(positions)]


def short(reason):
    """A reason on one line."""
    return " ".join(str(reason).split())[:300]


def look_for(name, phrases, frames, threshold=0.3):
    """Fill found[name] with masks by absolute frame index, and say what was seen."""
    note = ""
    for phrase in phrases:
        for frame in frames:
            try:
                masks = SAM3.segment_image_by_text(frame, phrase, confidence_threshold=threshold)
                found[name][frame.frame_index] = masks
            except RuntimeError as reason:
                note = short(reason)
        if found[name]:
            break
    number = list(found).index(name) + 1
    if found[name]:
        seen = ", ".join(f"{masks.num_objects} in frame {index}" for index, masks in found[name].items())
        print(f"object {number} ({name}): found as {phrase!r}: {seen}")
        index = next(iter(found[name]))
        show(found[name][index].visualize(index), label=f"{name} in frame {index}")
    else:
        print(f"object {number} ({name}): nothing found in {len(frames)} frames: {note}")


def reconstruct(frames):
    """The frames in one metric world, or None where there is no depth."""
    try:
        recon = Reconstruct.Reconstruct(frames)
    except (RuntimeError, ValueError, TimeoutError) as reason:
        print(f"geometry: none: {short(reason)}")
        return None
    read = np.isfinite(recon.depth.depth).mean()
    print(
        f"geometry: {recon.engine}, metres from {recon.scale_source}, up from {recon.gravity_source},"
        f" {read:.0%} of the pixels of {len(frames)} frames have a reading"
    )
    return recon


found = {name: {} for name in names}
for name in names:
    look_for(name, [name], frames)
recon = reconstruct(frames) if want_depth else None
