# success: a second process
import os
print("BREACH", os.forkpty())
