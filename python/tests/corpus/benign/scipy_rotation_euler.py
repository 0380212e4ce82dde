# prints: [ 0. 60.  0.]
from scipy.spatial.transform import Rotation
print(np.round(Rotation.from_euler("y", 60, degrees=True).as_euler("xyz", degrees=True), 4) + 0.0)
