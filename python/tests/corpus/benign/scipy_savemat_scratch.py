# prints: 6.0
from scipy.io import loadmat, savemat
savemat("a.mat", {"a": np.array([1.0, 2.0, 3.0])}); print(float(loadmat("a.mat")["a"].sum()))
