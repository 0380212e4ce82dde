"""An office, six pictures along an arc."""

import numpy as np

import rooms
import things
from textures import abstract, cloth, landscape, plain
from world import Light, World, camera, place

FRAMES = 6


def build():
    parts = rooms.room(6.4, 6.0, 2.7, cloth("#8b9196", weave=0.5), plain("#e8e4da", 0.02))
    screen = abstract(3, "#1f3a5f", "#3f88c5", "#e9c46a", "#e76f51", "#f4f1de")
    code = abstract(17, "#23262e", "#8fbf8f", "#c6c6c6", "#d9a05b", "#7aa2c9")
    parts += [
        place("brown desk", things.desk(1.4, 0.7, 0.74, things.DARK_OAK), (-1.45, 1.5, 0), 0),
        place("white desk", things.desk(1.4, 0.7, 0.74, things.WHITE), (1.35, 1.5, 0), 0),
        place("monitor", things.monitor(screen), (-1.55, 1.62, 0.74), 6),
        place("monitor", things.monitor(code), (1.25, 1.62, 0.74), -6),
        place("keyboard", things.keyboard(), (1.25, 1.34, 0.74)),
        place("desk lamp", things.table_lamp("#c9553f", "#e6b96a"), (-1.0, 1.62, 0.74)),
        place("red chair", things.desk_chair("#b23a34"), (-1.35, 0.62, 0), 165),
        place("blue chair", things.desk_chair("#34608f"), (1.05, 0.55, 0), 205),
        place("green chair", things.desk_chair("#4d7f55"), (-0.75, -0.95, 0), 60),
        place("yellow chair", things.desk_chair("#d9a93a"), (0.95, -0.85, 0), -50),
        place("round table", things.round_table(0.45, 0.72, things.PINE), (0.08, -0.75, 0)),
        place("bookshelf", things.bookshelf(40, 1.0, 1.9, 0.32, 5, things.PINE, 0.9), (0.0, 2.83, 0)),
        place("plant", things.plant(7, 1.25, "#d9d2c3", 0.36, 30), (2.55, 2.4, 0)),
        place("bin", things.bin_(), (-2.5, 1.2, 0)),
        rooms.window(landscape(33), 1.6, 1.2, (-3.2, 0.8, 1.6), 90),
        rooms.picture(landscape(12, ("#f5b971", "#fbe7c6"), ("#a26769", "#6d2e46", "#44203a")), 1.0, 0.66, (-1.6, 3.0, 1.75)),
        rooms.door(0.9, 2.05, (3.2, 0.6, 0), -90),
    ]
    lights = [
        Light((-1.2, 0.6, 2.62), (0.6, 0, 0), (0, 0.2, 0), (0.95, 0.97, 1.0), 3, 2.8),
        Light((1.2, 0.2, 2.62), (0.6, 0, 0), (0, 0.2, 0), (0.95, 0.97, 1.0), 3, 2.8),
        Light((-2.9, 0.8, 1.7), (0, 0.7, 0), (0, 0, 0.5), (1.0, 1.02, 1.1), 3, 2.4),
    ]
    return World(parts, lights, ((0.44, 0.44, 0.45), (0.3, 0.29, 0.28)))


def cameras():
    eyes = [(2.5 * np.sin(a), -0.35 - 2.45 * np.cos(a), 1.72 + 0.05 * i) for i, a in enumerate(np.radians(np.linspace(-28, 30, FRAMES)))]
    return [camera(eye, (0.0, 0.55, 0.62), 78, (480, 360)) for eye in eyes]
