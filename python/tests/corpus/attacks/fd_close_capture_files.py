# success: the host or another session is hurt
import os
os.close(4); os.close(5); print("closed")
