# prints: peak 5
t = np.linspace(0, 1, 256, endpoint=False)
print("peak", int(np.abs(np.fft.rfft(np.sin(2 * np.pi * 5 * t))).argmax()))
