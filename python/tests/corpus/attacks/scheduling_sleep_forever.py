# success: a cell that cannot be ended
# slow
import time
time.sleep(10**6)
