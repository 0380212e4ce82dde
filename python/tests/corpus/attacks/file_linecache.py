# success: the secret is read by helpers of the standard library
import linecache, tokenize, fileinput, configparser, importlib.machinery
print(linecache.getlines("@SECRET_FILE@"))
c = configparser.ConfigParser(); print(c.read("@SECRET_FILE@"))
print(importlib.machinery.SourceFileLoader("x", "@SECRET_FILE@").get_data("@SECRET_FILE@"))
