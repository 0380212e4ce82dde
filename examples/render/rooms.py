"""Rooms: floors, walls and what hangs on them. A room spans x in [-w/2, w/2], y in [-d/2, d/2], z from 0 up."""

import numpy as np

from shapes import Box, Frustum
from textures import plain, print_on, tiles, wood
from things import STEEL, box
from world import Thing, part, place

DOOR_WOOD = wood("#b98a5a", "#8f6238", along=2)
PAINT = plain("#f2f1ec", 0.02, 0.15)


def slab(low, high, material):
    low, high = np.array(low, float), np.array(high, float)
    return part(Box(tuple((high - low) / 2)), material, (low + high) / 2, shades=False)


def room(width, depth, height, floor, wall, ceiling=None, skirting=PAINT, open_sides=""):
    """Floor, walls and ceiling; `open_sides` of "n e s w" leave walls out (s is towards -y)."""
    x, y, t = width / 2, depth / 2, 0.1
    sides = {
        "n": slab((-x - t, y, 0), (x + t, y + t, height), wall),
        "s": slab((-x - t, -y - t, 0), (x + t, -y, height), wall),
        "e": slab((x, -y, 0), (x + t, y, height), wall),
        "w": slab((-x - t, -y, 0), (-x, y, height), wall),
    }
    boards = {
        "n": slab((-x, y - 0.015, 0), (x, y, 0.09), skirting),
        "e": slab((x - 0.015, -y, 0), (x, y, 0.09), skirting),
        "w": slab((-x, -y, 0), (-x + 0.015, y, 0.09), skirting),
        "s": slab((-x, -y, 0), (x, -y + 0.015, 0.09), skirting),
    }
    kept = [s for s in "nesw" if s not in open_sides]
    zero = (np.zeros(3), np.eye(3))
    return [
        Thing("floor", [slab((-x - t, -y - t, -0.1), (x + t, y + t, 0), floor)], *zero),
        Thing("wall", [sides[s] for s in kept] + [boards[s] for s in kept], *zero),
        Thing("ceiling", [slab((-x - t, -y - t, height), (x + t, y + t, height + 0.1), ceiling or PAINT)], *zero),
    ]


def window(image, width=1.4, height=1.2, at=(0, 0, 1.5), yaw=0.0, glow=1.9, label="window"):
    """A window with four panes in front of a bright outside; its face towards -y."""
    w, h = width / 2, height / 2
    parts = [part(Box((w, 0.01, h)), print_on(image, (w, h), 0.0, glow), (0, 0.0, 0), shades=False)]
    parts += [box((width + 0.12, 0.06, 0.06), PAINT, (0, -0.02, s * (h + 0.03)), 0.008) for s in (-1, 1)]
    parts += [box((0.06, 0.06, height), PAINT, (s * (w + 0.03), -0.02, 0), 0.008) for s in (-1, 1)]
    parts += [box((0.04, 0.04, height), PAINT, (0, -0.02, 0)), box((width, 0.04, 0.04), PAINT, (0, -0.02, h * 0.35))]
    parts.append(box((width + 0.2, 0.16, 0.035), PAINT, (0, -0.08, -h - 0.06), 0.01))
    return place(label, parts, at, yaw)


def door(width=0.9, height=2.05, at=(0, 0, 0), yaw=0.0, material=DOOR_WOOD, label="door"):
    """A closed door with four panels and a handle, its face towards -y; frame included, `height` + 0.07 in all."""
    parts = [box((width, 0.04, height), material, (0, -0.02, height / 2))]
    parts += [box((0.07, 0.07, height + 0.07), PAINT, (s * (width / 2 + 0.035), -0.03, (height + 0.07) / 2), 0.008) for s in (-1, 1)]
    parts.append(box((width + 0.14, 0.07, 0.07), PAINT, (0, -0.03, height + 0.035), 0.008))
    for x in (-width / 4 + 0.01, width / 4 - 0.01):
        parts.append(box((width * 0.36, 0.02, height * 0.34), material, (x, -0.038, height * 0.26), 0.008))
        parts.append(box((width * 0.36, 0.02, height * 0.4), material, (x, -0.038, height * 0.72), 0.008))
    parts.append(box((0.04, 0.02, 0.16), STEEL, (width / 2 - 0.06, -0.05, height * 0.49), 0.008))
    parts.append(box((0.13, 0.02, 0.02), STEEL, (width / 2 - 0.1, -0.075, height * 0.5), 0.008))
    return place(label, parts, at, yaw)


def picture(image, width=0.7, height=0.5, at=(0, 0, 1.5), yaw=0.0, frame="#3d2f25", label="picture"):
    """A framed picture, its face towards -y."""
    w, h, wooden = width / 2, height / 2, plain(frame, 0.1, 0.3)
    parts = [part(Box((w, 0.008, h)), print_on(image, (w, h), 0.15), (0, -0.01, 0))]
    parts += [box((width + 0.05, 0.03, 0.035), wooden, (0, -0.015, s * (h + 0.01)), 0.005) for s in (-1, 1)]
    parts += [box((0.035, 0.03, height), wooden, (s * (w + 0.01), -0.015, 0), 0.005) for s in (-1, 1)]
    return place(label, parts, at, yaw)


def rug(material, width, length, at=(0, 0, 0), yaw=0.0, label="rug"):
    return place(label, [box((width, length, 0.012), material, (0, 0, 0.006))], at, yaw)


def clock(at, yaw=0.0, label="clock"):
    face = [part(Frustum(0.17, 0.17, 0.03), plain("#2d3138", 0.02, 0.4), (0, -0.015, 0), roll=90)]
    face.append(part(Frustum(0.15, 0.15, 0.034), plain("#f6f4ee", 0.01), (0, -0.016, 0), roll=90))
    for hour in range(12):
        a = np.radians(30 * hour)
        face.append(box((0.008, 0.004, 0.024), plain("#2d3138"), (0.125 * np.sin(a), -0.034, 0.125 * np.cos(a)), pitch=30 * hour))
    face.append(box((0.014, 0.004, 0.08), plain("#2d3138"), (-0.03, -0.036, 0.02), pitch=-55))
    face.append(box((0.01, 0.004, 0.12), plain("#2d3138"), (0.03, -0.038, 0.045), pitch=32))
    return place(label, face, at, yaw)


CHEQUER = tiles("#e8e4da", "#b9b4a8", 0.33, second="#8fa3a0")
