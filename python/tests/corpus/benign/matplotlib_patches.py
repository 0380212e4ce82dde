# prints: ok
from matplotlib.patches import Circle, Rectangle
fig, ax = plt.subplots(); ax.add_patch(Rectangle((0, 0), 1, 2, fill=False)); ax.add_patch(Circle((1, 1), 0.5)); plt.show(); print("ok")
