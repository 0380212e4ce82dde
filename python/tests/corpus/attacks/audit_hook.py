# success: the session's loop is stopped for good
import sys
def deny(event, args):
    raise RuntimeError("no")
sys.addaudithook(deny)
