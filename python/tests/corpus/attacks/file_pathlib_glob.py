# success: others' files are listed
from pathlib import Path
print([p.name for p in Path("@SECRET_DIR@").iterdir()], list(Path("/").glob("root/*"))[:3])
