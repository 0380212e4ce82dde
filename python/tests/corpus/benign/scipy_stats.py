# prints: median 3.0
from scipy import stats
print("median", float(np.median([1, 3, 9])), round(float(stats.trim_mean([1, 2, 3, 4, 100], 0.2)), 2))
