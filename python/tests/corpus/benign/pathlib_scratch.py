# prints: ['b.txt'] hello
from pathlib import Path
d = Path("sub/dir"); d.mkdir(parents=True, exist_ok=True); (d / "b.txt").write_text("hello"); print([p.name for p in d.glob("*.txt")], (d / "b.txt").read_text()); (d / "b.txt").touch(); (d / "b.txt").unlink()
