# success: a cell that cannot be ended
# slow
x = 7 ** (10 ** 9)
