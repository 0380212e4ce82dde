# prints: [0, 4, 16] {1, 2}
g = (x * x for x in range(5)); print([v for v in g if v % 2 == 0], {x for x in (1, 1, 2)}, {k: v for k, v in zip("ab", (1, 2))})
