"""A playroom: a ball rolls over the floor towards a camera that stands still, seven pictures."""

import numpy as np

import rooms
import things
from textures import abstract, landscape, planks, plain, rug
from world import Light, World, camera, place

FRAMES = 7
SECONDS = 0.25
RADIUS = 0.1


def ball_at(frame):
    """Where the ball's centre is; it slows down as it comes nearer."""
    share = (1 - (1 - frame / (FRAMES - 1)) ** 1.6)
    return np.array([-0.45, 2.05, RADIUS]) * (1 - share) + np.array([0.16, -0.75, RADIUS]) * share


def build(frame=0):
    parts = rooms.room(5.0, 5.4, 2.6, planks("#d9b37c", "#b98a52"), plain("#cfe0e3", 0.02))
    parts += [
        rooms.rug(rug("#5f8f8b", "#2f4858", "#f3e9d2", (0.75, 0.75)), 1.5, 1.5, (-1.35, 0.65, 0), 0),
        _ball(frame),
        place("teddy bear", things.bear(), (-1.3, 0.7, 0.012), 20),
        place("toy truck", things.toy_truck(), (1.02, -0.1, 0), -55),
        place("block tower", things.cubes(0.13, "#c8443a", "#e3b23c", "#3f78a8", "#5c9a5c"), (1.35, 1.25, 0)),
        place("stool", things.stool("#d1495b"), (0.85, 2.15, 0)),
        place("shelf", things.bookshelf(71, 1.1, 1.1, 0.3, 3, things.WHITE, 0.75), (-0.95, 2.5, 0)),
        place("table lamp", things.table_lamp("#e07a5f"), (-1.25, 2.5, 1.1)),
        place("plant", things.plant(15, 0.45, "#e9c46a", 0.18, 20), (-0.65, 2.5, 1.1)),
        place("armchair", things.armchair("#8f6f9f", 0.84), (1.85, 1.0, 0), -70),
        rooms.window(landscape(14), 1.2, 1.1, (0.75, 2.7, 1.6)),
        rooms.picture(abstract(6, "#fff3d6", "#ef476f", "#118ab2", "#ffd166", "#06d6a0"), 0.8, 0.56, (-1.75, 2.7, 1.75)),
    ]
    lights = [
        Light((0.7, 2.35, 1.75), (0.55, 0, 0), (0, 0, 0.45), (1.2, 1.22, 1.3), 3, 2.4),
        Light((0.0, 0.1, 2.5), (0.4, 0, 0), (0, 0.4, 0), (1.5, 1.42, 1.28), 4, 2.4),
    ]
    return World(parts, lights, ((0.45, 0.45, 0.46), (0.34, 0.3, 0.25)))


def _ball(frame):
    """The ball, turned as far as it has rolled."""
    centre, start = ball_at(frame), ball_at(0)
    way = centre - start
    thing = place("ball", things.ball(RADIUS, "#d7263d", "#f4f1de", "#1b6ca8", "#f4f1de"), centre - [0, 0, RADIUS])
    length = np.linalg.norm(way)
    if length > 0:
        axis = np.cross([0, 0, 1.0], way / length)
        k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
        a = length / RADIUS
        spin = np.eye(3) + np.sin(a) * k + (1 - np.cos(a)) * k @ k
        thing.parts = [type(p)(p.shape, p.material, p.at, spin @ p.rot, p.shades) for p in thing.parts]
    return thing


def cameras():
    return [camera((0.1, -2.55, 1.25), (-0.05, 0.6, 0.5), 62, (480, 360))] * FRAMES
