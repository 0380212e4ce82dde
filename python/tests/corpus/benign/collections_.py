# prints: 2
from collections import Counter
print(Counter('aab')['a'])
