# prints: Box(name='chair', size=(1.0, 2.0))
from dataclasses import dataclass, field, asdict
from typing import Optional, NamedTuple
@dataclass
class Box:
    name: str
    size: tuple[float, float] = (1.0, 2.0)
print(Box("chair"), asdict(Box("x"))["name"])
