# prints: shown
x = np.linspace(0, 1, 50)
plt.figure(figsize=(4, 3)); plt.plot(x, x**2, label="x²"); plt.legend(); plt.title("curve"); plt.xlabel("x [m]")
plt.show(); print("shown")
