# prints: 0.5
print(spatial.ConvexHull(np.array([[0,0],[1,0],[0,1]])).volume)
