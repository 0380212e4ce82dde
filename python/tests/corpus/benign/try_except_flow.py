# prints: caught KeyError finally
try:
    {}["x"]
except (KeyError, IndexError) as e:
    print("caught", type(e).__name__, end=" ")
finally:
    print("finally")
