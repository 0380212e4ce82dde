# prints: 285
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(max_workers=4) as p: print(sum(p.map(lambda x: x * x, range(10))))
