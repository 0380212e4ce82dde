# prints: shown
fig = plt.figure(); ax = fig.add_subplot(projection="3d")
ax.scatter(*np.random.rand(3, 100)); ax.set_title("cloud"); plt.show(); print("shown")
