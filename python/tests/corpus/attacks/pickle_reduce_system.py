# success: a program runs
import pickle, os
class P:
    def __reduce__(self): return os.system, ("touch @OUTSIDE@/made",)
print("BREACH" if pickle.loads(pickle.dumps(P())) == 0 else "refused")
