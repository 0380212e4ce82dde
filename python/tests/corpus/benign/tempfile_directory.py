# prints: ['a.npy']
import os, tempfile
with tempfile.TemporaryDirectory() as d:
    np.save(os.path.join(d, "a.npy"), np.eye(2)); print(os.listdir(d))
