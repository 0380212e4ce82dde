# prints: 6
class B:
    def __init__(self, a, b): self.a, self.b = a, b
    @property
    def area(self): return self.a * self.b
print(B(2, 3).area)
