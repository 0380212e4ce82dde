"""Answers every question of a manifest from its files alone, and compares with the answers written in it.

    python examples/render/check.py [examples/questions.jsonl] [--within 0.01] [--grid 768x576]

It knows nothing of the renderer: depth, ids, intrinsics and poses are read as any reader of the manifest
would read them. `--grid` resamples depth and ids to another size first (nearest pixel). Exits with 1 if a
number is further off than `--within` (relative), or another answer is wrong.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial import ConvexHull, cKDTree


class Frame:
    """One picture's measurements, on a pixel grid of choice."""

    def __init__(self, folder, told, grid):
        depth = np.array(Image.open(folder / told["depth"]["file"])).astype(float) * told["depth"]["metres_per_unit"]
        ids = np.array(Image.open(folder / told["masks"]["file"]))
        assert Image.open(folder / told["image"]).size == depth.shape[::-1] == ids.shape[::-1]
        k = told["intrinsics"]
        height, width = depth.shape
        w, h = grid or (width, height)
        rows = np.floor((np.arange(h) + 0.5) * height / h).astype(int)
        columns = np.floor((np.arange(w) + 0.5) * width / w).astype(int)
        self.z, self.ids = depth[np.ix_(rows, columns)], ids[np.ix_(rows, columns)]
        fx, fy = k["fx"] * w / width, k["fy"] * h / height
        cx, cy = (k["cx"] + 0.5) * w / width - 0.5, (k["cy"] + 0.5) * h / height - 0.5
        v, u = np.mgrid[0:h, 0:w]
        rays = np.stack([(u - cx) / fx, (v - cy) / fy, np.ones_like(u, float)], axis=-1)
        self.pose = np.array(told.get("pose", np.eye(4)))
        self.points = (rays * self.z[..., None]) @ self.pose[:3, :3].T + self.pose[:3, 3]
        self.labels = {int(i): label for i, label in told["masks"]["labels"].items()}
        self.index, self.width = told["index"], w

    def named(self, name):
        """Ids whose labels end in the name's words."""
        words = name.split()
        return [i for i, label in self.labels.items() if label.split()[-len(words) :] == words]

    def mask(self, name):
        return np.isin(self.ids, self.named(name)) & (self.z > 0)


class Row:
    """A question's frames, and which way is up."""

    def __init__(self, folder, told, grid):
        self.frames = [Frame(folder, f, grid) for f in told["frames"]]
        floor = self.cloud("floor") if any(f.mask("floor").sum() > 500 for f in self.frames) else None
        if "world_up" in told:
            self.up = np.array(told["world_up"]) / np.linalg.norm(told["world_up"])
        else:
            flat = np.linalg.svd(floor - floor.mean(axis=0), full_matrices=False)[2][2]
            self.up = flat * np.sign(-flat @ self.frames[0].pose[:3, 1])
        self.floor = np.median(floor @ self.up) if floor is not None else None

    def at(self, index):
        return next(f for f in self.frames if f.index == index)

    def cloud(self, name, frame=None):
        return np.concatenate([f.points[f.mask(name)] for f in ([frame] if frame else self.frames)])

    def middle(self, name):
        return np.median(self.cloud(name), axis=0)

    def gap(self, a, b):
        a, b = sorted((self.cloud(a), self.cloud(b)), key=len)
        bound = np.linalg.norm(a[:: len(a) // 300 + 1, None] - b[None, :: len(b) // 300 + 1], axis=2).min()
        low, high = a.min(axis=0), a.max(axis=0)
        b = b[np.linalg.norm(np.maximum(np.maximum(low - b, b - high), 0), axis=1) <= bound + 1e-9]
        return cKDTree(b).query(a)[0].min()

    def range(self, name, frame=None):
        frame = frame or next(f for f in self.frames if f.mask(name).any())
        return np.linalg.norm(frame.points[frame.mask(name)] - frame.pose[:3, 3], axis=1).min()

    def box(self, name):
        """Long side, short side and height of the upright box around a thing."""
        points = self.cloud(name)
        x = np.cross(self.up, [1.0, 0, 0] if abs(self.up[0]) < 0.9 else [0, 1.0, 0])
        x /= np.linalg.norm(x)
        flat = np.stack([points @ x, points @ np.cross(self.up, x)], axis=1)
        hull = flat[ConvexHull(flat).vertices]
        best = (np.inf, None)
        for edge in np.roll(hull, -1, axis=0) - hull:
            e = edge / np.linalg.norm(edge)
            sides = np.ptp(hull @ e), np.ptp(hull @ [-e[1], e[0]])
            best = min(best, (sides[0] * sides[1], sorted(sides)))
        return best[1][1], best[1][0], np.ptp(points @ self.up)


def _names(text):
    return re.findall(r"the ([a-z ]+?)(?=,| or the| and the|$)", text)


def _bearing(row, standing, facing, asked):
    here, there, it = (row.middle(n) for n in (standing, facing, asked))
    flat = [v - (v @ row.up) * row.up for v in (there - here, it - here)]
    angle = np.degrees(np.arctan2(np.cross(flat[0], flat[1]) @ row.up, flat[0] @ flat[1]))
    return ("in front", "left", "behind", "right")[int(((angle + 45) % 360) // 90)]


def _turn(row):
    r = row.frames[0].pose[:3, :3].T @ row.frames[-1].pose[:3, :3]
    return np.degrees(np.arccos(np.clip((np.trace(r) - 1) / 2, -1, 1)))


def _moved(row, name, first, last):
    before, after = (np.median(row.cloud(name, row.at(int(i))), axis=0) for i in (first, last))
    return np.linalg.norm(after - before)


def _angle(row, a, corner, b):
    arms = [row.middle(n) - row.middle(corner) for n in (a, b)]
    return np.degrees(np.arccos(arms[0] @ arms[1] / np.linalg.norm(arms[0]) / np.linalg.norm(arms[1])))


def _column(row, name):
    return np.nonzero(row.frames[0].mask(name))[1].mean()


def _count(row, plural):
    name = plural.removesuffix("s")
    return len(set().union(*(set(np.unique(f.ids)) & set(f.named(name)) for f in row.frames)))


def _step(row):
    return row.frames[-1].pose[:3, 3] - row.frames[0].pose[:3, 3]


# The first pattern that fits answers.
ANSWERS = (
    (r"distance between the (.+?) and the (.+?), from", lambda r, a, b: r.gap(a, b)),
    (r"How far apart are the (.+?) and the (.+?), in", lambda r, a, b: r.gap(a, b)),
    (r"How many metres apart are the (.+?) and the (.+?)\?", lambda r, a, b: r.gap(a, b)),
    (r"How far is the (.+?) from the camera in frame (\d+)", lambda r, a, i: r.range(a, r.at(int(i)))),
    (r"How far is the (.+?) from the camera", lambda r, a: r.range(a)),
    (r"How many degrees did the camera turn", lambda r: _turn(r)),
    (r"(?:How many|number of) (.+?)(?: are there)?\?", _count),
    (r"nearest to the camera: (.+)\?", lambda r, t: min(_names(t), key=r.range)),
    (r"farthest from the camera: (.+)\?", lambda r, t: max(_names(t), key=r.range)),
    (r"List (.+) from nearest", lambda r, t: ", ".join(sorted(_names(t), key=r.range))),
    (r"closest to the (.+?): (.+)\?", lambda r, a, t: min(_names(t), key=lambda n: r.gap(a, n))),
    (r"Is the (.+?) to the left or to the right of the (.+?)\?", lambda r, a, b: "left" if _column(r, a) < _column(r, b) else "right"),
    (r"(?:Standing at|stand at) the (.+?) and fac(?:ing|e) the (.+?), is the (.+?) to my", _bearing),
    (r"Is the (.+?) above or below the (.+?)\?", lambda r, a, b: "above" if r.middle(a) @ r.up > r.middle(b) @ r.up else "below"),
    (r"Is the (.+?) in front of or behind the (.+?)\?", lambda r, a, b: "in front" if r.range(a) < r.range(b) else "behind"),
    (r"Is the (.+?) closer to the camera than the (.+?)\?", lambda r, a, b: "yes" if r.range(a) < r.range(b) else "no"),
    (r"How tall is the (.+?),", lambda r, a: r.box(a)[2]),
    (r"How long is the (.+?),", lambda r, a: r.box(a)[0]),
    (r"How wide is the (.+?),", lambda r, a: r.box(a)[1]),
    (r"taller: (.+)\?", lambda r, t: max(_names(t), key=lambda n: r.box(n)[2])),
    (r"Is there an? (.+?)\?", lambda r, a: "yes" if any(f.mask(a).any() for f in r.frames) else "no"),
    (r"above the floor is the camera", lambda r: r.frames[0].pose[:3, 3] @ r.up - r.floor),
    (r"above the floor is the (.+?),", lambda r, a: (r.cloud(a) @ r.up).min() - r.floor),
    (r"angle between the (.+?), the (.+?) and the (.+?) at", _angle),
    (r"did the (.+?) move between frame (\d+) and frame (\d+)", _moved),
    (r"How far did the camera move", lambda r: np.linalg.norm(_step(r))),
    (r"camera move forward or backward", lambda r: "forward" if _step(r) @ r.frames[0].pose[:3, 2] > 0 else "backward"),
    (r"median depth of the (.+?),", lambda r, a: np.median(r.frames[0].z[r.frames[0].mask(a)])),
)


def answer(row, question):
    for pattern, find in ANSWERS:
        found = re.search(pattern, question)
        if found:
            return find(row, *found.groups())
    raise ValueError(f"no way to answer: {question}")


def verdict(told, value):
    """How far off a number is, or whether a text is right: (words, relative error)."""
    if "options" in told:
        right = told["options"]["ABCDEFGH".index(told["answer"])]
        if isinstance(value, str) or float(value).is_integer():
            return f"{value} / {right}", 0.0 if str(value) == right else 1.0
        near = min(told["options"], key=lambda o: abs(float(o.split()[0]) - value))
        return f"{value:.3f} / {right}", 0.0 if near == right else 1.0
    truth = told["answer"]
    if isinstance(truth, (int, float)):
        return f"{value:.4f} / {truth:.4f}", abs(value - truth) / abs(truth)
    fits = value in truth if isinstance(truth, list) else value == truth
    return f"{value} / {truth if isinstance(truth, str) else truth[0]}", 0.0 if fits else 1.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path, nargs="?", default=Path(__file__).resolve().parent.parent / "questions.jsonl")
    parser.add_argument("--within", type=float, default=0.01)
    parser.add_argument("--grid", help="width x height, e.g. 768x576")
    arguments = parser.parse_args()
    grid = tuple(int(n) for n in arguments.grid.split("x")) if arguments.grid else None
    bad = 0
    lines = arguments.manifest.read_text(encoding="utf-8").splitlines()
    for told in map(json.loads, lines):
        words, error = verdict(told, answer(Row(arguments.manifest.parent, told, grid), told["question"]))
        bad += error > arguments.within
        mark = "  " if error <= arguments.within else "!!"
        print(f"{mark} {told['id']:<12} {error:7.2%}  {words:<34} {told['question']}", flush=True)
    print(f"{len(lines)} questions, {bad} off by more than {arguments.within:.1%} or wrong")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
