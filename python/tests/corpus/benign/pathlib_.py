# prints: hi
from pathlib import Path
Path('n').write_text('hi')
print(Path('n').read_text())
