# success: the listener is contacted
print(plt.imread("http://127.0.0.1:@TCP@/x.png"))
