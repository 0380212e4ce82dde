# success: memory that no bound counts
import os
fd = os.memfd_create("x")
print("BREACH")
