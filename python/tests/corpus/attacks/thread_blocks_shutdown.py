# success: a kernel that does not end when its session ends
import threading, signal, time
for s in range(1, 32):
    try:
        signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
threading.Thread(target=time.sleep, args=(1000,)).start()
print("left")
