"""A shop's shelves, two pictures."""

import rooms
import things
from shapes import Ellipsoid
from textures import plain, tiles
from world import Light, World, camera, part, place

LEVELS = (0.22, 0.68, 1.14, 1.6)


def build():
    parts = rooms.room(5.0, 4.6, 2.7, tiles("#d5d0c6", "#aaa498", 0.45, 0.35, 0.08), plain("#cdd8cf", 0.02))
    parts.append(place("shelves", _shelves(2.5, 0.36), (0, 1.6, 0)))
    for x, colour, label in ((-1.0, "#2f5a3a", "#f1ead8"), (-0.82, "#6b2737", "#e9d8a6"), (-0.64, "#2f5a3a", "#f1ead8"), (-0.46, "#8a5a1f", "#f1ead8"), (-0.28, "#6b2737", "#e9d8a6")):
        parts.append(place("bottle", things.bottle(colour, label, 0.33, 0.042), (x, 1.5, LEVELS[2])))
    for x, colour in ((0.02, "#c8382e"), (0.16, "#2f6f9f"), (0.3, "#c8382e"), (0.44, "#e0a21f"), (0.58, "#2f6f9f"), (0.72, "#5c8a3c"), (0.86, "#c8382e")):
        parts.append(place("can", things.can(colour, height=0.15, radius=0.045), (x, 1.5, LEVELS[1])))
    for x, colour, band in ((-1.02, "#e0a21f", "#b5382e"), (-0.76, "#3f78a8", "#f4f1e6"), (-0.5, "#e0a21f", "#b5382e"), (-0.24, "#6a994e", "#f2e8cf")):
        parts.append(place("carton", things.carton(colour, band), (x, 1.5, LEVELS[1])))
    parts += [
        place("teapot", things.teapot("#d9d2c0"), (-0.85, 1.52, LEVELS[3]), 10),
        place("vase", things.vase("#b5533c", ("#edae49", "#f0ead6", "#d1495b", "#edae49"), 4, 0.22), (0.0, 1.52, LEVELS[3])),
        place("blue bowl", things.bowl("#2f5f8a", 0.16, 0.1), (0.82, 1.52, LEVELS[3])),
        place("teddy bear", things.bear("#96683f", 0.82), (0.78, 1.5, LEVELS[2])),
        place("table lamp", things.table_lamp("#7a5c8f", height=0.4), (0.28, 1.52, LEVELS[2])),
        place("bucket", things.bin_("#c94f3d", 0.3, 0.16), (-0.8, 1.5, LEVELS[0])),
        place("toy truck", things.toy_truck("#2f7f6f", "#e07a5f"), (0.05, 1.52, LEVELS[0]), 90),
        place("melon", _melon(), (0.85, 1.5, LEVELS[0])),
        place("step stool", things.stool("#5b7f95", 0.42), (-1.62, 1.25, 0)),
        place("plant", things.plant(19, 1.2, "#cfc6b2", 0.34, 28), (1.8, 1.4, 0)),
    ]
    lights = [
        Light((-0.7, 0.2, 2.62), (0.7, 0, 0), (0, 0.15, 0), (1.5, 1.48, 1.4), 3, 2.2),
        Light((0.9, -0.2, 2.62), (0.7, 0, 0), (0, 0.15, 0), (1.3, 1.3, 1.26), 3, 2.2),
        Light((0.0, -2.0, 1.6), (0.8, 0, 0), (0, 0, 0.5), (0.75, 0.74, 0.72), 3, 3.0),
    ]
    return World(parts, lights, ((0.46, 0.46, 0.45), (0.34, 0.32, 0.3)))


def _shelves(width, deep):
    frame = plain("#4a5158", 0.03, 0.3)
    parts = [things.box((0.04, deep, 2.05), frame, (s * (width / 2 + 0.02), 0, 1.025), 0.006) for s in (-1, 1)]
    parts.append(things.box((width, 0.02, 2.0), plain("#e2ddd0", 0.02), (0, deep / 2 - 0.01, 1.02)))
    for z in LEVELS:
        parts.append(things.box((width, deep - 0.02, 0.03), things.PINE, (0, 0, z - 0.015)))
        parts.append(things.box((width, 0.012, 0.045), frame, (0, -deep / 2 + 0.004, z - 0.022)))
    return parts + [things.box((width, deep - 0.06, 0.16), frame, (0, 0.01, 0.09))]


def _melon():
    return [part(Ellipsoid((0.15, 0.13, 0.13)), plain("#4c7a3a", 0.5, 0.4), (0, 0, 0.13))]


def cameras():
    return [camera((x, -1.75, 1.42), (0.02, 1.5, 1.02), 64) for x in (-0.15, 0.65)]
