"""Pastes one picture of every scene into `scenes.png`, and lays three bare pictures into `photos/`."""

import shutil
from pathlib import Path

from PIL import Image

SHOWN = ("living/0", "kitchen/0", "office/2", "corridor/0", "playroom/4", "shop/0")
PHOTOS = {"living-room.jpg": "living/0.jpg", "office.jpg": "office/2.jpg", "playroom.jpg": "playroom/4.jpg"}


def main():
    folder = Path(__file__).resolve().parent.parent
    sheet = Image.new("RGB", (3 * 328 - 8, 2 * 248 - 8), "white")
    for at, name in enumerate(SHOWN):
        small = Image.open(folder / f"{name}.jpg").resize((320, 240), Image.LANCZOS)
        sheet.paste(small, (at % 3 * 328, at // 3 * 248))
    sheet.save(folder / "scenes.png", optimize=True)
    for name, source in PHOTOS.items():
        (folder / "photos").mkdir(exist_ok=True)
        shutil.copyfile(folder / source, folder / "photos" / name)


if __name__ == "__main__":
    main()
