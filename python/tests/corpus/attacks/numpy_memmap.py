# success: numpy maps the secret
print(bytes(np.memmap("@SECRET_FILE@", dtype=np.uint8, mode="r")))
