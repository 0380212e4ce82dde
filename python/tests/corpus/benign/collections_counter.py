# prints: [('chair', 2)]
from collections import Counter, defaultdict, deque, OrderedDict
print(Counter(["chair", "table", "chair"]).most_common(1))
