# success: a program runs
from matplotlib import animation
plt.rcParams["animation.ffmpeg_path"] = "/bin/cat"
f = plt.figure()
animation.FuncAnimation(f, lambda i: [], frames=2).save("x.mp4", writer="ffmpeg")
