# success: a lock on a shared file stops other sessions or the template
import fcntl
f = open(np.__file__)
fcntl.flock(f, fcntl.LOCK_EX)
print("locked")
