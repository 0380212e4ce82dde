# success: a cell that cannot be ended
# slow
np.linalg.svd(np.random.rand(2500, 2500))
