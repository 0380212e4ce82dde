# success: the host decodes a bomb
show(np.zeros((20000, 20000), np.uint8))
