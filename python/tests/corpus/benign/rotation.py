# prints: 1.0
from scipy.spatial.transform import Rotation as R
print(R.from_euler('z',90,degrees=True).apply([1,0,0]).round(3)[1])
