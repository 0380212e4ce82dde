# prints: 3.0
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
print(dijkstra(csr_matrix([[0, 1, 0], [0, 0, 2], [0, 0, 0]]))[0, 2])
