# success: more memory than allotted (the test gives 1 GiB)
try:
    big = np.ones(3 << 30, np.uint8)
    print("BREACH", big.nbytes)
except MemoryError as e:
    print("refused", e)
