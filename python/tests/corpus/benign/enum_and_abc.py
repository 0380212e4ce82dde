# prints: Side.LEFT
from enum import Enum, auto
from abc import ABC, abstractmethod
class Side(Enum):
    LEFT = auto(); RIGHT = auto()
class A(ABC):
    @abstractmethod
    def f(self): ...
print(Side.LEFT)
