# prints: slept
import time
t = time.perf_counter(); time.sleep(0.05); print("slept" if time.perf_counter() - t >= 0.04 and time.time() > 1e9 else "no")
