# success: the host or another session is hurt
import os
os.closerange(0, 256)
