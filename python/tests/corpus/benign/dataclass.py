# prints: x=3)
from dataclasses import dataclass
@dataclass
class P:
    x: int
print(P(3))
