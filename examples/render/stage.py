"""The scenes by name, and what of each is told to a reader of the manifest."""

from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np

import corridor
import kitchen
import living
import office
import playroom
import shop
from world import turn

# 16 bits reach 13.1 m in steps of 0.2 mm.
METRES_PER_UNIT = 0.0002

# From this renderer's z-up axes to y-up ones.
_Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


@dataclass(frozen=True, eq=False)
class Scene:
    """`axes` turns the renderer's world into the one that is published; None hides the poses."""

    name: str
    module: ModuleType
    axes: np.ndarray | None
    origin: tuple = (0.0, 0.0, 0.0)
    up: bool = True
    seconds: float | None = None
    moves: bool = False
    first_camera: bool = False

    @property
    def frames(self):
        return len(self.module.cameras())

    @cache
    def world(self, frame):
        return self.module.build(frame) if self.moves else (self.module.build() if frame == 0 else self.world(0))

    @cache
    def seen(self, frame):
        """Depth and the number of the thing for each pixel, -1 for none."""
        world = self.world(frame)
        depth, which, _ = world.see(self.camera(frame))
        return depth, np.where(which >= 0, world.owner[which], -1)

    @cache
    def camera(self, frame):
        return self.module.cameras()[frame]

    def pose(self, frame):
        """The published camera-to-world matrix."""
        change = np.eye(4)
        if self.first_camera:
            change = np.linalg.inv(self.camera(0).pose)
        else:
            change[:3, :3], change[:3, 3] = self.axes, self.origin
        return change @ self.camera(frame).pose

    def world_up(self):
        return (self.axes @ [0, 0, 1]).round(6).tolist() if self.up else None

    def row_frame(self, frame, masks=True):
        """A frame as the manifest writes it."""
        camera = self.camera(frame)
        told = {"image": f"{self.name}/{frame}.jpg", "index": frame}
        if self.seconds is not None:
            told["time_s"] = round(frame * self.seconds, 3)
        told["intrinsics"] = {"fx": camera.fx, "fy": camera.fx, "cx": camera.cx, "cy": camera.cy}
        if self.axes is not None or self.first_camera:
            told["pose"] = (self.pose(frame).round(9) + 0.0).tolist()
        told["depth"] = {"file": f"{self.name}/{frame}.depth.png", "metres_per_unit": METRES_PER_UNIT}
        if masks:
            told["masks"] = {"file": f"{self.name}/{frame}.ids.png", "labels": self.labels()}
        return told

    def labels(self):
        return {str(i + 1): thing.label for i, thing in enumerate(self.world(0).things)}


SCENES = {
    scene.name: scene
    for scene in (
        Scene("living", living, np.eye(3), (0.5, 3.0, 0.0)),
        Scene("kitchen", kitchen, None, up=False),
        Scene("office", office, turn(25, -20, 40), (1.0, -2.0, 0.7)),
        Scene("corridor", corridor, None, up=False, first_camera=True),
        Scene("playroom", playroom, np.eye(3), seconds=playroom.SECONDS, moves=True),
        Scene("shop", shop, _Y_UP),
    )
}
