# prints: shown
fig, axes = plt.subplots(1, 2)
axes[0].imshow(np.random.rand(20, 20), cmap="viridis"); fig.colorbar(axes[1].imshow(np.eye(20)))
plt.tight_layout(); plt.show(); print("shown")
