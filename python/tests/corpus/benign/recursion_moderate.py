# prints: 500500
def s(n): return 0 if n == 0 else n + s(n - 1)
print(s(500) + sum(range(501, 1001)))
