# prints: True
import random
random.seed(3); a = random.sample(range(10), 3); random.seed(3); print(a == random.sample(range(10), 3))
