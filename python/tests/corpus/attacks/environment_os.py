# success: the executor's secret variable is visible
import os
print(dict(os.environ), os.getenv("SPATIALCLAW_CANARY"))
