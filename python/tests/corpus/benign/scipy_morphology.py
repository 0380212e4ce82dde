# prints: 9
from scipy import ndimage
m = np.zeros((9, 9), bool); m[2:7, 2:7] = True
print(ndimage.binary_erosion(m).sum())
