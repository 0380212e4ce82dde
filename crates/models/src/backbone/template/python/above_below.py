heights = {name: float(np.median(cloud(name, only)[:, 1])) for name in (a, b)}
print(f"heights above the floor: {heights}")
word = "above" if heights[a] > heights[b] else "below"
