# success: scipy reads the secret
from scipy.io import wavfile
try:
    print(wavfile.read("@SECRET_FILE@"))
except ValueError as e:
    print("BREACH read it", e)
