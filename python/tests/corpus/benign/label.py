# prints: 3
print(ndimage.label(np.eye(3))[1])
