# prints: 3
np.save('a.npy',np.arange(3))
print(np.load('a.npy').sum())
