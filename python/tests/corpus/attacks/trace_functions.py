# success: the session's own code is traced and steered; others stay well
import sys, threading
def t(frame, event, arg):
    return t
sys.settrace(t); sys.setprofile(t); threading.settrace(t)
print("traced")
