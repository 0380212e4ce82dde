# prints: True
import multiprocessing, os
print(multiprocessing.cpu_count() >= 1 and len(os.sched_getaffinity(0)) >= 1)
