# prints: ['mug', 'sofa']
print([n for n, _ in sorted([("sofa", 2.0), ("mug", 0.5)], key=lambda t: t[1])])
