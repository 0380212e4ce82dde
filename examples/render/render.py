"""Renders every scene and writes `questions.jsonl` beside the pictures.

    python examples/render/render.py [--out examples] [--only living,shop] [--questions]

`--questions` writes the manifest only. numpy and Pillow are all it needs.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

import draw
import questions
from stage import METRES_PER_UNIT, SCENES


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--only", default=",".join(SCENES), help="names of scenes, with commas")
    parser.add_argument("--questions", action="store_true", help="leave the pictures as they are")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if not arguments.questions:
        jobs = [(arguments.out, name, frame) for name in names for frame in range(SCENES[name].frames)]
        with ProcessPoolExecutor(arguments.jobs) as pool:
            for told in pool.map(shoot, jobs):
                print(told, flush=True)
    rows = questions.write(arguments.out / "questions.jsonl")
    print(f"{rows} questions in {arguments.out / 'questions.jsonl'}")


def shoot(job):
    """Writes one frame's picture, depth and ids."""
    out, name, frame = job
    scene = SCENES[name]
    rgb, depth, ids = draw.picture(scene.world(frame), scene.camera(frame))
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(folder / f"{frame}.jpg", quality=91, subsampling=0, optimize=True)
    units = np.round(np.where(np.isfinite(depth), depth, 0) / METRES_PER_UNIT)
    if units.max() > 65535:
        raise ValueError(f"{name}: a depth of {depth.max():.2f} m does not fit 16 bits")
    Image.fromarray(units.astype(np.uint16)).save(folder / f"{frame}.depth.png", optimize=True)
    Image.fromarray(ids).save(folder / f"{frame}.ids.png", optimize=True)
    return f"{name} {frame}: {json.dumps({'far_m': round(float(depth.max()), 2)})}"


if __name__ == "__main__":
    main()
