# success: a picture outside is read
print(plt.imread("@OUTSIDE@/picture.png").sum()); print("BREACH")
