# prints: 10
import queue, threading
q, lock, n = queue.Queue(), threading.Lock(), 0
def work():
    global n
    for _ in range(5):
        with lock: n += 1
ts = [threading.Thread(target=work) for _ in range(2)]; [t.start() for t in ts]; [t.join() for t in ts]; print(n)
