"""Fetches the Middlebury 2014 motorcycle pair with its laser disparity.

    python fetch.py [FOLDER]

The three files come out of the wheel of scikit-image 0.16.2, which pip downloads from the configured
package index; nothing of the wheel is installed or run. Files that are there and right are left alone.
Every file is checked against its SHA-256 before it gets its name.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "scikit-image==0.16.2"
WHEEL_SHA256 = "2aa962aa82d815606d7dad7f045f5d7ca55c65b4320d47e15a98fc92612c2d6c"
# A wheel of one platform and Python for everybody: only its data is read.
BUILD = ["--python-version", "3.7", "--implementation", "cp", "--abi", "cp37m", "--platform", "manylinux1_x86_64"]
FILES = {
    "motorcycle_left.png": "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
    "motorcycle_right.png": "5fc913ae870e42a4b662314bc904d1786bcad8e2f0b9b67dba5a229406357797",
    "motorcycle_disp.npz": "2e49c8cebff3fa20359a0cc6880c82e1c03bbb106da81a177218281bc2f113d7",
}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def right(path, digest):
    return path.is_file() and sha256(path.read_bytes()) == digest


def download(folder):
    """The wheel's path; raises if pip fails or brings anything else."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary=:all:", *BUILD, "--dest", folder, WHEEL]
    subprocess.run(command, check=True, timeout=600)
    wheel = next(Path(folder).glob("*.whl"))
    if not right(wheel, WHEEL_SHA256):
        raise SystemExit(f"{wheel.name} is not the wheel of {WHEEL} that is pinned here (SHA-256 differs): not unpacked")
    return wheel


def unpack(wheel, folder):
    """Writes the three files, each under a temporary name until it is whole."""
    with zipfile.ZipFile(wheel) as held:
        for name, digest in FILES.items():
            data = held.read(f"skimage/data/{name}")
            if sha256(data) != digest:
                raise SystemExit(f"{name} in {wheel.name} is not the file that is pinned here (SHA-256 differs)")
            part = folder / f".{name}.{os.getpid()}.part"
            part.write_bytes(data)
            part.replace(folder / name)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    if all(right(folder / name, digest) for name, digest in FILES.items()):
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            wheel = download(scratch)
        except (subprocess.SubprocessError, OSError) as cause:
            raise SystemExit(f"could not download {WHEEL} with pip ({cause}): is a package index reachable?") from None
        unpack(wheel, folder)
    print(f"{len(FILES)} files in {folder}")


if __name__ == "__main__":
    main()
