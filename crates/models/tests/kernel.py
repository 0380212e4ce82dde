"""Runs cells from stdin, one JSON object a line, in the namespace that cells see, over a room of known measures.

In:  {"code": …}            Out: {"output": …, "error": "Kind: message" or null, "answer": … or null}
     {"room": name}         begins anew in that room; nothing is printed
     {"row": …, "folder": …}  begins anew with the measurements of a manifest row
"""

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[3] / "python"
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from scene import Box, Opening, Room, Shot, memory_file, safetensors  # noqa: E402

from spatialclaw import _cell, _namespace  # noqa: E402
from spatialclaw._bridge import Bridge  # noqa: E402
from spatialclaw._inputs import inputs  # noqa: E402

SIZE = (400, 300)
CHAIR = Box(1, "red chair", (0.6, 0.4, -3.0), (0.5, 0.8, 0.5))
TABLE = Box(2, "table", (-1.0, 0.4, -4.0), (1.0, 0.8, 0.6))
OTHER = Box(3, "blue chair", (1.4, 0.4, -3.6), (0.4, 0.8, 0.4))
SHELF = Box(4, "shelf", (-0.6, 0.9, -5.5), (0.8, 1.8, 0.4))
STOOLS = [Box(5, "stool", (0.2, 0.25, -2.4), (0.3, 0.5, 0.3)), Box(6, "stool", (-0.4, 0.25, -2.6), (0.3, 0.5, 0.3))]
FURNITURE = [CHAIR, TABLE, OTHER, SHELF, *STOOLS]


def shots(count, step):
    return [Shot(10 * at, SIZE, tuple(1.0 * at * s + c for s, c in zip(step, (0, 1.5, 0)))) for at in range(count)]


def ball(at):
    return Box(7, "ball", (-0.8 + at, 0.2, -3.2), (0.4, 0.4, 0.4))


class Photo(Room):
    """A room without depth, in which a sofa is known as a couch."""

    def reconstruct(self, frames, width, height):
        raise RuntimeError("no depth engine takes a single photograph")


@dataclass(frozen=True)
class Picture:
    """One frame of a manifest row."""

    index: int
    width: int
    height: int
    told: dict
    time_s: float | None = None


class Row(Room):
    """What came with a manifest row, brought into the world that cells see as the dispatcher would."""

    def __init__(self, row, folder):
        self.folder, self.row = Path(folder), row
        super().__init__([self.picture(told) for told in row["frames"]], [])

    def picture(self, told):
        width, height = Image.open(self.folder / told["image"]).size
        return Picture(told["index"], width, height, told)

    def grid(self, name, shot, width, height):
        stored = np.array(Image.open(self.folder / shot.told[name]["file"]))
        rows = np.floor((np.arange(height) + 0.5) * stored.shape[0] / height).astype(int)
        columns = np.floor((np.arange(width) + 0.5) * stored.shape[1] / width).astype(int)
        return stored[np.ix_(rows, columns)]

    def measured(self, shot, width, height):
        depth = self.grid("depth", shot, width, height) * shot.told["depth"]["metres_per_unit"]
        k, x, y = shot.told["intrinsics"], width / shot.width, height / shot.height
        camera = [k["fx"] * x, k["fy"] * y, (k["cx"] + 0.5) * x - 0.5, (k["cy"] + 0.5) * y - 0.5]
        pose = np.array(shot.told.get("pose", np.eye(4)), float)
        return np.where(depth > 0, depth, np.nan).astype(np.float32), camera, pose

    def world(self):
        """Rotation to a world with Y up and the first camera facing -Z, and the floor's height in it."""
        shot = self.shots[0]
        depth, (fx, fy, cx, cy), pose = self.measured(shot, shot.width, shot.height)
        v, u = np.mgrid[0 : shot.height, 0 : shot.width]
        points = (np.stack([(u - cx) / fx, (v - cy) / fy, np.ones_like(u, float)], -1) * depth[..., None]) @ pose[:3, :3].T
        ids, labels = self.grid("masks", shot, shot.width, shot.height), shot.told["masks"]["labels"]
        floor = points[np.isin(ids, [int(i) for i, label in labels.items() if label == "floor"])] + pose[:3, 3]
        floor = floor[np.isfinite(floor).all(axis=1)]
        if "world_up" in self.row:
            up = np.array(self.row["world_up"], float) / np.linalg.norm(self.row["world_up"])
        else:
            up = np.linalg.svd(floor - floor.mean(axis=0), full_matrices=False)[2][2]
            up *= np.sign(-up @ pose[:3, 1])
        back = -(pose[:3, 2] - (pose[:3, 2] @ up) * up)
        back /= np.linalg.norm(back)
        turn = np.stack([np.cross(up, back), up, back])
        return turn, float(np.median(floor @ up)) if len(floor) else 0.0

    def fetch_frame(self, index):
        buffer = io.BytesIO()
        Image.open(self.folder / self.shot(index).told["image"]).convert("RGB").save(buffer, "PNG")
        return memory_file(buffer.getvalue())

    def reconstruct(self, frames, width, height):
        turn, ground = self.world()
        depths, cameras, poses = zip(*(self.measured(self.shot(index), width, height) for index in frames))
        placed = []
        for pose in poses:
            new = np.eye(4)
            new[:3, :3], new[:3, 3] = turn @ pose[:3, :3], turn @ pose[:3, 3] - [0, ground, 0]
            placed.append(new)
        depth = np.stack(depths)
        arrays = {
            "depth": depth,
            "confidence": np.isfinite(depth).astype(np.float32),
            "intrinsics": np.array(cameras),
            "poses": np.stack(placed),
        }
        facts = {"frame_indices": list(frames), "metric_scale": 1.0, "engine": "sensor"}
        return memory_file(safetensors(arrays, facts))

    def _look(self, shot, width, height):
        return None, self.grid("masks", shot, width, height).astype(np.int32)

    def _found(self, numbers, text, bounds, points):
        labels = {int(i): label for shot in self.shots for i, label in shot.told["masks"]["labels"].items()}
        words = text.lower().split()
        return [i for i, label in labels.items() if label.split()[-len(words) :] == words and (numbers == i).any()], "no"


ROOMS = {
    "walk": lambda: Room(shots(3, (0.3, 0, -0.2)), FURNITURE),
    "still": lambda: Room(shots(1, (0, 0, 0)), FURNITURE),
    "photo": lambda: Photo(shots(1, (0, 0, 0)), [*FURNITURE, Box(8, "couch", (1.9, 0.3, -4.5), (0.6, 0.6, 0.6))]),
    "ball": lambda: Room(
        shots(2, (0.2, 0, 0)), [TABLE, ball(0)], moved={0: [TABLE, ball(0)], 10: [TABLE, ball(1.2)]}
    ),
}


def main():
    names, room, step = {}, None, 0
    for line in sys.stdin:
        message = json.loads(line)
        if "code" not in message:
            room, step = ROOMS[message["room"]]() if "room" in message else Row(message["row"], message["folder"]), 0
            names = _namespace.build(inputs(Opening(room.shots), Bridge(room)))
            continue
        step += 1
        answers, output = len(room.answers), io.StringIO()
        with contextlib.redirect_stdout(output):
            failure = _cell.run(message["code"], step, names, _cell.Interrupts())
        reply = {
            "output": output.getvalue(),
            "error": f"{failure.kind}: {failure.message}" if failure else None,
            "answer": room.answers[-1][0] if len(room.answers) > answers else None,
        }
        print(json.dumps(reply), flush=True)


main()
