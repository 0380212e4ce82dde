# success: a second process runs
from concurrent.futures import ProcessPoolExecutor
with ProcessPoolExecutor(1) as p:
    print("BREACH", p.submit(pow, 2, 3).result(timeout=2))
