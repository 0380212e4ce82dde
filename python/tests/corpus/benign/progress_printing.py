# prints: done
import sys, time
for i in range(3): sys.stdout.write(f"\r{i}"); sys.stdout.flush()
print("\ndone", flush=True)
