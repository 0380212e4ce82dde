# success: numpy reads the secret through a file URL
print(np.genfromtxt("file://@SECRET_FILE@", dtype=str))
