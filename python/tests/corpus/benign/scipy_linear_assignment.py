# prints: [1 0]
from scipy.optimize import linear_sum_assignment
print(linear_sum_assignment(np.array([[5, 1], [1, 5]]))[1])
