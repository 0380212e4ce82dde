# prints: [('a', 'b'), ('a', 'c'), ('b', 'c')]
from itertools import combinations, groupby, product
print(list(combinations("abc", 2)))
