# success: a cell that cannot be ended
# slow
sum(range(10 ** 12))
