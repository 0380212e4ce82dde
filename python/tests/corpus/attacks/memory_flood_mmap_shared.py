# success: shared memory beyond the bound
import mmap
held, total = [], 0
try:
    while total < 4 << 30:
        m = mmap.mmap(-1, 64 << 20); m[:] = b"x" * len(m); held.append(m); total += len(m)
    print("BREACH", total)
except (OSError, MemoryError, ValueError) as e:
    print("refused", total, e)
