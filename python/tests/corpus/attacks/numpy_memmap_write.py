# success: a file outside is changed
m = np.memmap("@OUTSIDE@/target", dtype=np.uint8, mode="r+")
m[:] = 65; m.flush()
