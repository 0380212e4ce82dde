# prints: 1/3 0.3
from decimal import Decimal; from fractions import Fraction
print(Fraction(1, 3), Decimal("0.1") + Decimal("0.2"))
