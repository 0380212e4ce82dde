# success: a bound is raised
import resource
for r in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_CPU):
    for new in ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), (10**12, 10**12)):
        try:
            resource.setrlimit(r, new); print("BREACH", r)
        except (OSError, ValueError) as e:
            print(e)
try:
    resource.prlimit(@EXECUTOR_PID@, resource.RLIMIT_NOFILE, (1, 1)); print("BREACH")
except (OSError, ValueError) as e:
    print(e)
