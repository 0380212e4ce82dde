# success: a program runs
plt.rcParams["text.usetex"] = True
plt.title(r"\input{@SECRET_FILE@}"); plt.savefig("x.png")
