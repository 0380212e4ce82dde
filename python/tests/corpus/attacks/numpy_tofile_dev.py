# success: a device or kernel file is written
for p in ("/dev/kmsg", "/dev/mem", "/dev/sda", "/dev/shm/@TAG@", "/sys/power/state", "/proc/sysrq-trigger"):
    try:
        np.zeros(1, np.uint8).tofile(p); print("BREACH", p)
    except OSError as e:
        print(e)
