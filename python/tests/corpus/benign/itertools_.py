# prints: 10
import itertools
print(len(list(itertools.combinations(range(5),2))))
