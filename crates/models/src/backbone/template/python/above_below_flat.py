# Without depth: higher up in the picture, which is the same for a level camera unless depths differ much.
index = only if only is not None else together(a, b)
rows = {name: float(np.median(np.nonzero(outline(name, index))[0])) for name in (a, b)}
print(f"middle rows in frame {index} (they grow downwards): {rows}")
word = "above" if rows[a] < rows[b] else "below"
