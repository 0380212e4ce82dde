# On the floor's plane: ahead points from where one stands to what one faces; right is ahead turned clockwise.
here, there, it = (np.median(cloud(name, only), axis=0) for name in (standing, facing, target))
ahead = (there - here)[[0, 2]] / np.linalg.norm((there - here)[[0, 2]])
right = np.array([-ahead[1], ahead[0]])
along, across = float((it - here)[[0, 2]] @ ahead), float((it - here)[[0, 2]] @ right)
bearing = math.degrees(math.atan2(across, along))
print(f"{along:+.3f} m ahead, {across:+.3f} m to the right, bearing {bearing:+.0f} degrees")
scores = {
    "in front": along,
    "behind": -along,
    "right": across,
    "left": -across,
    "front right": min(along, across),
    "front left": min(along, -across),
    "back right": min(-along, across),
    "back left": min(-along, -across),
}
word = max(allowed, key=scores.get)
