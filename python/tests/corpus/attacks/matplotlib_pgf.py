# success: a program runs
from matplotlib.backends.backend_pgf import FigureCanvasPgf
plt.plot([1]); plt.savefig("x.pdf", backend="pgf")
