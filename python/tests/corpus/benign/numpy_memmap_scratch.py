# prints: 45
m = np.memmap("m.dat", dtype=np.int32, mode="w+", shape=10); m[:] = range(10); m.flush()
print(int(np.memmap("m.dat", dtype=np.int32, mode="r").sum()))
