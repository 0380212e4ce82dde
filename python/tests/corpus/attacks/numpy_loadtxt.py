# success: numpy reads the secret
print(np.loadtxt("@SECRET_FILE@", dtype=str))
