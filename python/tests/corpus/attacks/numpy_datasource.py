# success: numpy's DataSource fetches
import numpy.lib.npyio as n
d = np.lib.npyio.DataSource(".")
print(d.exists("http://127.0.0.1:@TCP@/x"), d.open("@SECRET_FILE@").read())
