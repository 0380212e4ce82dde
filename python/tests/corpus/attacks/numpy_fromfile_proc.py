# success: numpy reads another process's memory map
import os
print(np.fromfile(f"/proc/{os.getppid()}/maps", dtype=np.uint8)[:100].tobytes()); print("BREACH")
