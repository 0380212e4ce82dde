"""Writes a manifest of many cheap questions with known answers, for load and resume tests.

    python examples/render/many.py DIR [--rows 1000] [--seed 1]

Every row is about one to three frames of the rendered scenes; the pictures lie beside the manifest
(hard links where the disk allows, copies elsewhere). Ids are `many-00001` and so on, all different.
Needs the pictures that `render.py` wrote.
"""

import argparse
import itertools
import json
import os
import random
import shutil
from pathlib import Path

import families as ask
from questions import row
from stage import SCENES

# (scene, frames, names that mean one thing each, names to count)
POOLS = (
    ("living", [0], ("sofa", "coffee table", "floor lamp", "armchair", "bookshelf", "vase"), ("lamp",)),
    ("kitchen", [0], ("red mug", "white mug", "fruit bowl", "yellow chair", "fridge"), ("mug", "chair")),
    ("office", [0], ("red chair", "blue chair", "yellow chair", "bin"), ("chair", "desk")),
    ("office", [1, 4], ("red chair", "green chair", "yellow chair", "bookshelf"), ("chair", "monitor")),
    ("corridor", [0], ("blue door", "fire extinguisher", "bench", "plant"), ("picture",)),
    ("corridor", [6, 7], ("stool", "cabinet", "yellow door"), ("stool",)),
    ("playroom", [0, 3, 6], ("teddy bear", "toy truck", "stool", "shelf"), ("stool",)),
    ("shop", [0], ("bucket", "melon", "toy truck", "teapot", "vase"), ("bottle", "can", "carton")),
)


def pool():
    """Every question of the pool that has a clear answer."""
    for scene, frames, names, counted in POOLS:
        for family, chosen in _asked(names, counted):
            try:
                yield row("", SCENES[scene], frames, family, chosen)
            except ValueError:
                continue  # too close to call
    walks = (("corridor", [0, 2]), ("corridor", [3, 5, 7]), ("office", [0, 5]))
    for (scene, frames), family in itertools.product(walks, (ask.camera_moved, ask.camera_turned)):
        if family is ask.camera_moved or frames != [0, 2]:
            yield row("", SCENES[scene], frames, family, ())
    for first, last in ((0, 3), (1, 5), (2, 6)):
        yield row("", SCENES["playroom"], [first, last], ask.moved, ("ball", first, last))


def _asked(names, counted):
    for name in counted:
        yield ask.count, (name,)
    for name in names:
        yield ask.far, (name,)
    for pair in itertools.combinations(names, 2):
        yield from ((family, pair) for family in (ask.distance, ask.left_right, ask.closer))
    for three in itertools.combinations(names, 3):
        yield from ((family, three) for family in (ask.nearest, ask.order))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    known = list(pool())
    random.Random(arguments.seed).shuffle(known)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    chosen = [known[at % len(known)] | {"id": f"many-{at + 1:05}"} for at in range(arguments.rows)]
    for name in sorted({file for told in chosen for file in _files(told)}):
        _bring(Path(__file__).resolve().parent.parent / name, arguments.folder / name)
    text = "\n".join(json.dumps(told) for told in chosen) + "\n"
    (arguments.folder / "manifest.jsonl").write_text(text, encoding="utf-8")
    print(f"{len(chosen)} rows of {len(known)} different questions in {arguments.folder / 'manifest.jsonl'}")


def _files(told):
    for frame in told["frames"]:
        yield from (frame["image"], frame["depth"]["file"], frame["masks"]["file"])


def _bring(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    main()
