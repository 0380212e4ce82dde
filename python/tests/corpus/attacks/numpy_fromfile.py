# success: numpy reads the secret
print(np.fromfile("@SECRET_FILE@", dtype=np.uint8).tobytes())
