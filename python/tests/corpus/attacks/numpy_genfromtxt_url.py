# success: the listener is contacted
print(np.genfromtxt("http://127.0.0.1:@TCP@/x.csv"))
