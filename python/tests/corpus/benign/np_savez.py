# prints: 4.0
np.savez('a.npz',x=np.ones(4))
print(np.load('a.npz')['x'].sum())
