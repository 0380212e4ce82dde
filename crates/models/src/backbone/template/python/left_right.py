index = only if only is not None else together(a, b)
columns = {name: float(np.median(np.nonzero(outline(name, index))[1])) for name in (a, b)}
print(f"middle columns in frame {index}: {columns}")
word = "left" if columns[a] < columns[b] else "right"
