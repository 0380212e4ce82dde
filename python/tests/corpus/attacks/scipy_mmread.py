# success: scipy reads the secret
from scipy.io import mmread
try:
    print(mmread("@SECRET_FILE@"))
except ValueError as e:
    print(e)
