# success: the template or the host is hurt
import os
os._exit(0)
