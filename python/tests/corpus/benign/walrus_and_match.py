# prints: pair 1 2
match (1, 2):
    case (a, b) if (s := a + b) == 3:
        print("pair", a, b)
