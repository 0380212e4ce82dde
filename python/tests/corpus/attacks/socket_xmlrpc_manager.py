# success: a server listens
from multiprocessing.managers import BaseManager
m = BaseManager(address=("127.0.0.1", 0)); m.get_server(); print("BREACH")
