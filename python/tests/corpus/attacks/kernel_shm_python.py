# success: shared memory that other sessions see
from multiprocessing import shared_memory
m = shared_memory.SharedMemory("@TAG@", create=True, size=100); print("BREACH")
