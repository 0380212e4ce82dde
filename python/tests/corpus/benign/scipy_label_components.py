# prints: 2 blobs
from scipy import ndimage
m = np.zeros((20, 20), int); m[2:5, 2:5] = 1; m[10:15, 10:15] = 1
print(ndimage.label(m)[1], "blobs")
