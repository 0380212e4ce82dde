# success: the session hangs in the report after the cell
# slow
class D(dict):
    def items(self):
        while True:
            pass
    def __len__(self):
        while True:
            pass
d = D(a=1)
class A(np.ndarray):
    def __array_finalize__(self, o):
        while True:
            pass
print("made")
a = np.zeros(3).view(A)
