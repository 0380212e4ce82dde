corner = np.median(cloud(at, only), axis=0)
arms = [np.median(cloud(name, only), axis=0) - corner for name in (a, b)]
value = Geometry.angle_between_vectors(*arms)
print(f"angle at {at}: {value:.2f} degrees")
