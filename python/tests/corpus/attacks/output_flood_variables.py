# success: a report of variables beyond the bound
for n in range(200000):
    globals()[f"variable_{n}_" + "n" * 200] = "s" * 1000
