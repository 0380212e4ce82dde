# success: a cell that cannot be ended
# slow
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    pass
