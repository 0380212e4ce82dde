# prints: 1.0
p=np.c_[np.eye(3)[:,:2],np.ones(3)]
n=np.linalg.svd(p-p.mean(0))[2][2]
print(round(abs(n[2]),3))
