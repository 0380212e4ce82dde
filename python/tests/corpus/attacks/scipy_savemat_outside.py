# success: a file outside is made
from scipy.io import savemat
savemat("@OUTSIDE@/made.mat", {"a": np.zeros(3)})
