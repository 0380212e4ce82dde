# prints: 2
from scipy.spatial import Delaunay
print(len(Delaunay([[0, 0], [1, 0], [0, 1], [1, 1.1]]).simplices))
