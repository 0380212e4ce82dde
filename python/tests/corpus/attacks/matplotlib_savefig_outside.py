# success: a file outside is made
plt.plot([1, 2]); plt.savefig("@OUTSIDE@/made.png")
