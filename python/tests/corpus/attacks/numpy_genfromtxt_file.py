# success: numpy reads the secret
print(np.genfromtxt("@SECRET_FILE@", dtype=str))
