# prints: [[1]] [[1, 2]]
import copy
a = [[1]]; b = copy.deepcopy(a); b[0].append(2); print(a, b)
