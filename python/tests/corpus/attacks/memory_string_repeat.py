# success: the machine runs out
s = "x" * (1 << 40)
