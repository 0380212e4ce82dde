# prints: ok
plt.style.use("ggplot"); plt.text(0.5, 0.5, r"$\alpha = 30^\circ$"); plt.annotate("here", (0, 0)); plt.show(); print("ok")
