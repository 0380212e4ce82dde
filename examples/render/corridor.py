"""A corridor with a corner: the camera walks down it and turns right, eight pictures."""

import numpy as np

import rooms
import things
from textures import abstract, landscape, plain, tiles
from world import Light, Thing, World, camera, place

FRAMES = 8


def build():
    wall, low = plain("#e4e0d4", 0.03), plain("#8aa39b", 0.03)
    flat = (np.zeros(3), np.eye(3))
    floor = tiles("#c9c3b4", "#8f897b", 0.4, 0.3, 0.15)
    parts = [
        Thing("floor", [rooms.slab((-1, -1, -0.1), (7, 8.2, 0), floor)], *flat),
        Thing("ceiling", [rooms.slab((-1, -1, 2.6), (7, 8.2, 2.7), rooms.PAINT)], *flat),
        Thing("wall", _walls(wall, low), *flat),
        Thing("ceiling light", [_panel(x, y) for x, y in ((0, 1.2), (0, 4.2), (0.2, 7.0), (4.2, 7.0))], *flat),
        rooms.door(0.9, 2.05, (-1.0, 1.7, 0), 90, plain("#3f6d8c", 0.04, 0.2), "blue door"),
        rooms.door(0.9, 2.05, (-1.0, 5.0, 0), 90, plain("#a8503f", 0.04, 0.2), "red door"),
        rooms.door(0.9, 2.05, (1.0, 3.2, 0), -90, plain("#5c8a5a", 0.04, 0.2), "green door"),
        rooms.door(1.0, 2.05, (6.9, 7.0, 0), -90, plain("#d9a441", 0.04, 0.2), "yellow door"),
        place("bench", things.bench(1.3), (-0.72, 3.4, 0), 90),
        place("fire extinguisher", things.extinguisher(), (0.86, 1.55, 0), -90),
        place("plant", things.plant(6, 1.1, "#d8cdb8", 0.3, 26), (-0.6, 7.6, 0)),
        place("bin", things.bin_("#6a7f8f", 0.5, 0.17), (0.3, 7.85, 0)),
        place("stool", things.stool("#c9553f"), (3.6, 7.75, 0)),
        place("cabinet", things.cabinet(0.9, 0.85, 0.36, "#d8d4c6"), (5.2, 7.97, 0)),
        place("vase", things.vase("#3f6c8f", ("#edae49", "#d1495b", "#edae49", "#f0ead6"), 8), (5.2, 7.95, 0.85)),
        rooms.picture(abstract(5, "#f2e7cf", "#e07a5f", "#3d405b", "#81b29a", "#f2cc8f"), 0.9, 0.62, (0.0, 8.2, 1.6), label="abstract picture"),
        rooms.picture(landscape(27), 1.0, 0.7, (3.4, 8.2, 1.6), label="landscape picture"),
    ]
    lights = [
        Light((0, 1.2, 2.55), (0.3, 0, 0), (0, 0.3, 0), (1.15, 1.1, 1.0), 3, 2.0),
        Light((0, 4.2, 2.55), (0.3, 0, 0), (0, 0.3, 0), (1.15, 1.1, 1.0), 3, 2.0),
        Light((0.2, 7.0, 2.55), (0.3, 0, 0), (0, 0.3, 0), (1.15, 1.1, 1.0), 3, 2.0),
        Light((4.2, 7.0, 2.55), (0.3, 0, 0), (0, 0.3, 0), (1.2, 1.15, 1.02), 3, 2.2),
    ]
    return World(parts, lights, ((0.42, 0.42, 0.42), (0.5, 0.48, 0.44)))


def _panel(x, y):
    return rooms.slab((x - 0.3, y - 0.3, 2.58), (x + 0.3, y + 0.3, 2.6), plain("#fff8e8", 0.0, glow=2.2))


def _walls(wall, low):
    """Upper walls with a painted band and a rail below; the corridor is 2 m wide, the branch 2.2 m."""
    parts = []
    runs = [((-1.1, -1, 0), (-1.0, 8.2, 0)), ((1.0, -1, 0), (1.1, 5.9, 0)), ((-1.1, 8.2, 0), (7, 8.3, 0)),
            ((1.0, 5.9, 0), (7, 6.0, 0)), ((6.9, 6.0, 0), (7.0, 8.2, 0))]
    for a, b in runs:
        parts.append(rooms.slab((a[0], a[1], 0.95), (b[0], b[1], 2.6), wall))
        parts.append(rooms.slab((a[0], a[1], 0), (b[0], b[1], 0.95), low))
    return parts


def cameras():
    walk = [(0.12, y) for y in np.linspace(-0.6, 5.9, 5)] + [(0.35, 6.6), (0.8, 6.9), (1.3, 6.98)]
    yaws = [0, 0, 0, 0, 4, 30, 64, 90]
    result = []
    for (x, y), yaw in zip(walk, yaws):
        a = np.radians(yaw)
        result.append(camera((x, y, 1.55), (x + np.sin(a), y + np.cos(a), 1.55 - 0.12), 72, (480, 360)))
    return result
