# prints: [[1. 2.]
np.savetxt("a.csv", [[1, 2], [3, 4]], delimiter=",")
print(np.loadtxt("a.csv", delimiter=","), np.genfromtxt("a.csv", delimiter=",").sum())
