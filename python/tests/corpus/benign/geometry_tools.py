# prints: [384.0, 108.0]
print([float(v) for v in tools.Geometry.normalized_to_pixel((500, 250), 768, 432)])
