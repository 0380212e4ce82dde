"""A breakfast table in a kitchen, one picture."""

import rooms
import things
from textures import landscape, plain, tiles
from world import Light, World, camera, place


def build():
    wall = tiles("#e9e3d3", "#cfc8b8", 0.15, 0.35, 0.05)
    parts = rooms.room(4.6, 4.8, 2.6, rooms.CHEQUER, wall)
    parts += [
        place("table", things.table(1.5, 0.85, 0.74, things.PINE), (0, -0.1, 0)),
        place("teapot", things.teapot("#3f6c8f"), (0.02, 0.05, 0.74), 12),
        place("red mug", things.mug("#b8392f"), (-0.3, -0.29, 0.74), 200),
        place("white mug", things.mug("#efece4"), (0.29, -0.24, 0.74), -20),
        place("green mug", things.mug("#4f8050"), (0.5, 0.09, 0.74), 30),
        place("fruit bowl", things.fruit_bowl(), (-0.46, 0.06, 0.74)),
        place("bottle", things.bottle("#2f5a3a"), (0.3, 0.14, 0.74)),
        place("red chair", things.chair("#b5483c"), (-0.36, 0.68, 0), 4),
        place("yellow chair", things.chair("#e0b545"), (0.5, 0.7, 0), -8),
        place("cabinet", things.cabinet(1.7, 0.9, 0.55, "#7f9a95", things.OAK, 3), (-1.15, 2.1, 0)),
        place("fridge", fridge(), (1.05, 2.05, 0)),
        place("plant", things.plant(9, 0.5, "#e5ddca", 0.2, 20), (-1.6, 2.1, 0.9)),
        rooms.window(landscape(21), 1.1, 0.9, (-0.75, 2.4, 1.62)),
        rooms.clock((0.19, 2.4, 1.95)),
    ]
    lights = [
        Light((-0.7, 2.1, 1.75), (0.5, 0, 0), (0, 0, 0.4), (1.5, 1.55, 1.65), 4, 2.4),
        Light((0.0, -0.3, 2.5), (0.32, 0, 0), (0, 0.32, 0), (1.75, 1.62, 1.4), 4, 2.0),
        Light((-2.1, -1.6, 2.0), (0, 0.5, 0), (0, 0, 0.4), (0.8, 0.78, 0.72), 3, 2.4),
    ]
    return World(parts, lights, ((0.42, 0.42, 0.42), (0.3, 0.28, 0.25)))


def fridge():
    paint = plain("#d9dfe0", 0.02, 0.45)
    return [
        things.box((0.7, 0.62, 1.75), paint, (0, 0, 0.895), 0.02),
        things.box((0.69, 0.03, 1.1), paint, (0, -0.32, 0.6), 0.012),
        things.box((0.69, 0.03, 0.58), paint, (0, -0.32, 1.46), 0.012),
        things.box((0.025, 0.04, 0.4), things.STEEL, (-0.28, -0.36, 0.85), 0.01),
        things.box((0.025, 0.04, 0.25), things.STEEL, (-0.28, -0.36, 1.4), 0.01),
        things.box((0.6, 0.5, 0.02), things.BLACK, (0, 0, 0.01)),
    ]


def cameras():
    return [camera((0.12, -2.2, 1.72), (0.03, 0.3, 0.69), 60)]
