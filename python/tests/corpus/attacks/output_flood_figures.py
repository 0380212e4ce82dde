# success: hundreds of figures, each a picture
# slow
for n in range(60):
    plt.figure(); plt.plot([n])
plt.show()
