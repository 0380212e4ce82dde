# success: the kernel lives on after its session
import threading
def spin():
    while True:
        pass
for n in range(3):
    threading.Thread(target=spin, daemon=True).start()
print("left")
