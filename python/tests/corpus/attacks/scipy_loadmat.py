# success: scipy reads the secret
from scipy import io as sio
try:
    print(sio.loadmat("@SECRET_FILE@"))
except ValueError as e:
    print("BREACH read it", e)
