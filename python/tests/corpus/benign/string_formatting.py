# prints: chair      1.23 m
print(f"{'chair':<10} {1.2345:.2f} m"); print("{:>8}".format("x"), "%5.1f" % 2.25, "a".join("xyz"), "é ü 中文")
