# success: the listener is contacted
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:@TCP@/", timeout=2).read())
