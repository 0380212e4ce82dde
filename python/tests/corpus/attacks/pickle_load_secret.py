# success: the secret is in the error
import pickle
print(pickle.load(open("@SECRET_FILE@", "rb")))
