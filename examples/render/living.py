"""A living room, one picture."""

import rooms
import things
from textures import abstract, landscape, planks, plain, rug
from world import Light, World, camera, place


def build():
    wall = plain("#d9dccb", 0.03)
    parts = rooms.room(5.2, 5.6, 2.6, planks("#c8975f", "#94653a"), wall)
    parts += [
        rooms.rug(rug("#a9453c", "#33415c", "#ead9b5", (1.2, 0.8)), 2.4, 1.6, (0.1, -0.1, 0)),
        place("sofa", things.armchair("#46687a", 1.95, 2), (-0.2, 1.75, 0)),
        place("yellow cushion", things.cushion("#e0b04a"), (-0.72, 1.5, 0.475), 8),
        place("armchair", things.armchair("#b4643e"), (1.75, 0.35, 0), -68),
        place("coffee table", things.table(1.0, 0.55, 0.42, things.DARK_OAK), (-0.1, 0.0, 0)),
        place("vase", things.vase("#e7e2d2", ("#d1495b", "#edae49", "#d1495b", "#f0ead6", "#edae49")), (-0.38, 0.05, 0.42)),
        place("mug", things.mug("#2f6f73"), (0.22, -0.1, 0.42), 30),
        place("floor lamp", things.floor_lamp(1.62), (-1.75, 1.7, 0)),
        place("bookshelf", things.bookshelf(11, 0.9, 1.9), (1.55, 2.6, 0)),
        place("plant", things.plant(5, 1.05), (-2.05, 0.35, 0)),
        rooms.window(landscape(4), 1.3, 1.15, (-2.6, 1.0, 1.55), 90),
        rooms.picture(abstract(8, "#efe6d2", "#c8553d", "#2d3047", "#588b8b", "#ffd5c2"), 0.9, 0.62, (-0.2, 2.8, 1.55)),
    ]
    lights = [
        Light((-2.2, 0.9, 1.7), (0, 0.6, 0), (0, 0, 0.55), (1.9, 1.95, 2.1), 4, 2.2),
        Light((0.3, -0.6, 2.55), (0.5, 0, 0), (0, 0.5, 0), (1.15, 1.08, 0.95), 4, 3.2),
        Light((-1.75, 1.7, 1.45), (0.06, 0, 0), (0, 0.06, 0), (0.75, 0.6, 0.38), 2, 0.9),
    ]
    return World(parts, lights, ((0.42, 0.42, 0.42), (0.3, 0.25, 0.2)))


def cameras():
    return [camera((0.25, -2.6, 1.5), (-0.1, 0.75, 0.72), 68)]
