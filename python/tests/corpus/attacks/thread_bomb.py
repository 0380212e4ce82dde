# success: more threads than allotted (64)
# needs: uid
import threading
threading.stack_size(65536)
e, n = threading.Event(), 0
try:
    while n < 3000:
        threading.Thread(target=e.wait, daemon=True).start(); n += 1
except RuntimeError as error:
    print(error)
print("BREACH" if n > 70 else "bounded", n)
e.set()
