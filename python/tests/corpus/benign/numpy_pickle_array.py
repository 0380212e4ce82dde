# prints: 3
import pickle
print(pickle.loads(pickle.dumps(np.arange(3))).size)
