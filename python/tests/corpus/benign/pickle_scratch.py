# prints: {'a': 1}
import pickle
with open("p.pkl", "wb") as f: pickle.dump({"a": 1}, f)
with open("p.pkl", "rb") as f: print(pickle.load(f))
