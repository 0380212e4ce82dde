# prints: imported
import scipy.io, scipy.stats, scipy.cluster.vq, scipy.integrate, scipy.sparse.linalg, scipy.special, mpl_toolkits.mplot3d, matplotlib.colors, matplotlib.animation, PIL.ImageEnhance, numpy.ma, numpy.testing
print("imported")
