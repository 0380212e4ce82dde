# prints: ok
show(np.zeros((8, 8), np.uint8), label="black"); show([np.zeros((4, 4, 3), np.uint8)] * 2); print("ok")
