# prints: show
import inspect
inspect.signature(np.linalg.norm); dir(tools); print([n for n in dir() if n == "show"][0]); help(tools.Geometry)
