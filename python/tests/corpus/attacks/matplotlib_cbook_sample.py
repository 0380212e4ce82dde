# success: the secret is read through a helper of matplotlib
import matplotlib.cbook as cb
print(cb.to_filehandle("@SECRET_FILE@").read())
