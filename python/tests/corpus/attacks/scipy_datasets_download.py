# success: a socket is opened
import urllib.request
try:
    from scipy import datasets
    datasets.face()
except BaseException as e:
    print(type(e), e)
