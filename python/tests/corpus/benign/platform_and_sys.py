# prints: 3.
import platform, sys
print(platform.python_version(), sys.version_info >= (3, 11)); platform.platform(); sys.getsizeof([])
