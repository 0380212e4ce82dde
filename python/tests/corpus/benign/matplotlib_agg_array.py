# prints: (200, 300, 4)
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
f = Figure(figsize=(3, 2), dpi=100); c = FigureCanvasAgg(f); f.add_subplot().plot([1, 2]); c.draw(); print(np.asarray(c.buffer_rgba()).shape)
