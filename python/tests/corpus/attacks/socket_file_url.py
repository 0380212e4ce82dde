# success: the secret is read
import urllib.request
print(urllib.request.urlopen("file://@SECRET_FILE@").read())
