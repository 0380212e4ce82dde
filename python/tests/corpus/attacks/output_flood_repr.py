# success: the report or the echo of a value never ends
class R:
    def __repr__(self): return "r" * 50_000_000
R()
