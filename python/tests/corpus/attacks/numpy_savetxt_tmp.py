# success: a file in /tmp is made
np.savetxt("/tmp/@TAG@.txt", np.zeros(3))
