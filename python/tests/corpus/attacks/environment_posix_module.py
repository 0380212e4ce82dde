# success: posix.environ or a fresh interpreter state holds it
import posix
print(posix.environ)
