# success: a thread left behind prints into or changes what another session sees
import threading, time
def loop():
    while True:
        print("noise"); time.sleep(0.001)
threading.Thread(target=loop, daemon=True).start()
print("left")
