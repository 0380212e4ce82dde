# prints: [1, 2]
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as p:
    print(list(p.map(abs,[-1,2])))
