# success: the listener is contacted
plt.style.use("http://127.0.0.1:@TCP@/x.mplstyle")
