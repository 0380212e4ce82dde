# success: a pickle runs a program
import io, pickle, os
class P:
    def __reduce__(self):
        return os.system, ("cat @SECRET_FILE@; touch @OUTSIDE@/made",)
a = np.empty(1, object); a[0] = P()
np.save("p.npy", a, allow_pickle=True)
print("BREACH" if np.load("p.npy", allow_pickle=True)[0] == 0 else "refused")
