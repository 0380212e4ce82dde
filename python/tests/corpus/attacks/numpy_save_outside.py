# success: a file outside is made
np.save("@OUTSIDE@/made.npy", np.zeros(3))
