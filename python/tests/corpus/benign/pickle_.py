# prints: [1]
import pickle
print(pickle.loads(pickle.dumps([1])))
