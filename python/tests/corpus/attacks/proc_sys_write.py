# success: a setting of the machine changes
for p in ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches", "/proc/self/oom_score_adj", "/proc/self/uid_map", "/sys/fs/cgroup/cgroup.procs"):
    try:
        open(p, "w").write("0"); print("BREACH", p)
    except OSError as e:
        print(e)
