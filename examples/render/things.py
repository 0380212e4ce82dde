"""Furniture and household things put together from simple solids.

Each function returns the parts of one thing standing on z = 0 at the origin, its front towards -y.
Sizes are metres.
"""

import numpy as np

from shapes import Box, Ellipsoid, Frustum, RoundBox
from textures import Material, cloth, leaf, panels, plain, print_on, wood
from world import part, rod

STEEL = plain("#b9bec4", 0.02, 0.6, 60)
BLACK = plain("#2b2d31", 0.03, 0.25, 40)
OAK = wood("#c99a62", "#9c6b3c")
DARK_OAK = wood("#8a5a36", "#5b3820")
PINE = wood("#e3c08d", "#c89a5f")
WHITE = plain("#eeece6", 0.02, 0.2, 50)


def box(size, material, at, bevel=0.0, **turns):
    half = tuple(s / 2 for s in size)
    return part(RoundBox(half, bevel) if bevel else Box(half), material, at, **turns)


def legs(width, length, height, thick, material, inset=0.04, splay=0.0):
    x, y = width / 2 - inset, length / 2 - inset
    return [
        rod((sx * (x + splay), sy * (y + splay), thick), (sx * x, sy * y, height), thick, material)
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]


def chair(colour, frame=OAK):
    """A kitchen chair, 0.86 high."""
    paint = plain(colour, 0.05, 0.2)
    parts = legs(0.42, 0.42, 0.44, 0.019, frame, 0.03, 0.02)
    parts += [rod((s * 0.18, 0.19, 0.45), (s * 0.185, 0.235, 0.84), 0.018, frame) for s in (-1, 1)]
    parts.append(box((0.44, 0.43, 0.045), paint, (0, 0, 0.455), 0.018))
    parts.append(box((0.42, 0.028, 0.22), paint, (0, 0.222, 0.75), 0.012, roll=-6))
    return parts


def desk_chair(colour):
    """A swivel chair on a five-armed foot, 0.98 high."""
    fabric = cloth(colour, weave=0.4)
    parts = []
    for arm in range(5):
        a = np.radians(72 * arm + 18)
        tip = (0.29 * np.cos(a), 0.29 * np.sin(a), 0.075)
        parts += [rod((0, 0, 0.11), tip, 0.018, BLACK), part(Ellipsoid((0.03,) * 3), BLACK, (*tip[:2], 0.03))]
    parts.append(part(Frustum(0.028, 0.028, 0.34), STEEL, (0, 0, 0.26)))
    parts.append(box((0.48, 0.46, 0.09), fabric, (0, 0, 0.47), 0.04))
    parts.append(box((0.44, 0.07, 0.48), fabric, (0, 0.23, 0.74), 0.034, roll=-5))
    parts.append(rod((0, 0.2, 0.45), (0, 0.27, 0.7), 0.018, BLACK))
    for s in (-1, 1):
        parts.append(rod((s * 0.26, 0.03, 0.45), (s * 0.27, 0.03, 0.64), 0.013, BLACK))
        parts.append(box((0.05, 0.26, 0.03), BLACK, (s * 0.27, 0.0, 0.655), 0.012))
    return parts


def armchair(colour, width=0.86, seats=1):
    """An armchair, or a sofa for more seats; 0.84 high."""
    fabric = cloth(colour, weave=0.35)
    inner = width - 0.3
    parts = [box((width - 0.04, 0.78, 0.2), fabric, (0, 0, 0.22), 0.04)]
    parts.append(box((width - 0.06, 0.2, 0.54), fabric, (0, 0.3, 0.57), 0.07))
    parts += [box((0.17, 0.8, 0.46), fabric, (s * (width / 2 - 0.085), -0.01, 0.38), 0.06) for s in (-1, 1)]
    seat = inner / seats
    for i in range(seats):
        x = (i - (seats - 1) / 2) * seat
        parts.append(box((seat - 0.012, 0.6, 0.16), fabric, (x, -0.1, 0.4), 0.05))
        parts.append(box((seat - 0.02, 0.16, 0.4), fabric, (x, 0.2, 0.62), 0.06, roll=-10))
    feet = [(sx * (width / 2 - 0.08), sy * 0.33) for sx in (-1, 1) for sy in (-1, 1)]
    return parts + [part(Frustum(0.02, 0.028, 0.13), DARK_OAK, (x, y, 0.065)) for x, y in feet]


def cushion(colour, second=None, stripe=0.0):
    return [box((0.42, 0.13, 0.4), cloth(colour, second, stripe), (0, 0, 0.2), 0.062)]


def table(width, length, height, top=OAK, frame=None, thick=0.028):
    frame = frame or top
    parts = legs(width, length, height - 0.03, thick, frame, 0.07)
    parts.append(box((width, length, 0.04), top, (0, 0, height - 0.02), 0.006))
    parts += [box((width - 0.16, 0.02, 0.07), frame, (0, s * (length / 2 - 0.07), height - 0.075)) for s in (-1, 1)]
    parts += [box((0.02, length - 0.16, 0.07), frame, (s * (width / 2 - 0.07), 0, height - 0.075)) for s in (-1, 1)]
    return parts


def round_table(radius, height, top=OAK):
    return [
        part(Frustum(radius, radius, 0.035), top, (0, 0, height - 0.0175)),
        part(Frustum(0.035, 0.035, height - 0.06), BLACK, (0, 0, height / 2)),
        part(Frustum(radius * 0.62, 0.05, 0.03), BLACK, (0, 0, 0.015)),
    ]


def desk(width=1.4, length=0.7, height=0.74, top=PINE):
    parts = [box((width, length, 0.035), top, (0, 0, height - 0.0175), 0.005)]
    for s in (-1, 1):
        x = s * (width / 2 - 0.06)
        parts += [rod((x, y, 0.02), (x, y, height - 0.04), 0.02, WHITE) for y in (-length / 2 + 0.08, length / 2 - 0.08)]
        parts.append(rod((x, -length / 2 + 0.08, 0.02), (x, length / 2 - 0.08, 0.02), 0.02, WHITE))
    parts.append(box((0.36, 0.5, 0.5), WHITE, (width / 2 - 0.3, 0.02, height - 0.3), 0.01))
    for k in range(3):
        z = height - 0.12 - 0.165 * k
        parts.append(box((0.33, 0.01, 0.15), WHITE, (width / 2 - 0.3, -0.233, z), 0.004))
        parts.append(box((0.1, 0.016, 0.012), STEEL, (width / 2 - 0.3, -0.245, z + 0.03)))
    return parts


def monitor(image, width=0.6):
    height = width * 0.6
    return [
        box((0.24, 0.18, 0.012), BLACK, (0, 0, 0.006), 0.005),
        rod((0, 0.03, 0.01), (0, 0.03, 0.25), 0.016, BLACK),
        box((width, 0.03, height), BLACK, (0, 0, 0.14 + height / 2), 0.008),
        part(Box((width / 2 - 0.012, 0.002, height / 2 - 0.012)), print_on(image, (width / 2, height / 2), 0.3, 0.9),
             (0, -0.0155, 0.14 + height / 2)),
    ]


def keyboard():
    parts = [box((0.42, 0.14, 0.018), BLACK, (0, 0, 0.009), 0.005)]
    key = plain("#4a4d54")
    return parts + [box((0.38, 0.02, 0.006), key, (0, y, 0.02)) for y in (-0.05, -0.025, 0, 0.025, 0.05)]


def floor_lamp(height=1.6, shade="#f3dfb4", pole=BLACK):
    return [
        part(Frustum(0.15, 0.14, 0.03), pole, (0, 0, 0.015)),
        part(Frustum(0.013, 0.013, height - 0.1), pole, (0, 0, height / 2 - 0.03)),
        part(Frustum(0.22, 0.14, 0.28, False), Material(plain(shade, 0.03).texture, glow=1.25), (0, 0, height - 0.14), shades=False),
        part(Ellipsoid((0.05, 0.05, 0.06)), plain("#fff6d8", glow=2.0), (0, 0, height - 0.15), shades=False),
    ]


def table_lamp(colour="#3f7c85", shade="#f3e3c2", height=0.46):
    return [
        part(Ellipsoid((0.085, 0.085, 0.11)), plain(colour, 0.03, 0.6, 60), (0, 0, 0.11)),
        part(Frustum(0.06, 0.05, 0.03), BLACK, (0, 0, 0.015)),
        part(Frustum(0.012, 0.012, 0.12), STEEL, (0, 0, 0.24)),
        part(Frustum(0.15, 0.09, 0.18, False), Material(plain(shade, 0.03).texture, glow=1.2), (0, 0, height - 0.09), shades=False),
    ]


def plant(seed, height=0.9, pot="#b5603f", spread=0.32, leaves=26, green="#3f7d3c"):
    """Leaves on stems out of a pot."""
    random = np.random.default_rng(seed)
    base = 0.3 * min(1.0, height)
    parts = [
        part(Frustum(base * 0.42, base * 0.58, base), plain(pot, 0.15), (0, 0, base / 2)),
        part(Frustum(base * 0.64, base * 0.64, base * 0.16), plain(pot, 0.15), (0, 0, base * 0.94)),
        part(Frustum(base * 0.55, base * 0.55, 0.01), plain("#3b2a20", 0.4), (0, 0, base * 1.02 + 0.003)),
    ]
    for i in range(leaves):
        yaw, lift = 137.5 * i + random.uniform(-15, 15), (i + 0.7) / leaves
        z = base + (height - base) * (0.25 + 0.7 * lift)
        out = spread * (1.05 - 0.75 * lift) * random.uniform(0.75, 1.05)
        a = np.radians(yaw)
        tip = np.array([out * np.cos(a), out * np.sin(a), z])
        size = (0.34 * spread * (1.2 - 0.4 * lift), 0.15 * spread * (1.25 - 0.4 * lift), 0.006)
        parts.append(part(Ellipsoid(size), leaf(green), tip, yaw=yaw, pitch=random.uniform(5, 40) - 45 * lift))
        if i % 3 == 0:
            parts.append(rod((0, 0, base), tip, 0.006, plain("#5d7a3a")))
    return parts


BOOKS = ("#8c3b3b", "#2f5d7c", "#d9a441", "#4c6b4f", "#71507a", "#c76b3f", "#d8d2c2", "#3b3f4a", "#4f8a8b", "#a8484f")


def book_row(seed, length, height, deep=0.2):
    """Books side by side from x = 0."""
    random = np.random.default_rng(seed)
    parts, x = [], 0.0
    while True:
        thick = random.uniform(0.022, 0.05)
        if x + thick > length:
            return parts
        tall = height * random.uniform(0.72, 0.98)
        cover, band = random.choice(len(BOOKS), 2, replace=False)
        print_ = panels(BOOKS[cover], BOOKS[band], BOOKS[cover], edges=(tall * 0.22, tall * 0.32))
        parts.append(box((thick - 0.002, deep, tall), print_, (x + thick / 2, 0, tall / 2), 0.003))
        x += thick


def bookshelf(seed, width=0.9, height=1.9, deep=0.3, shelves=5, material=OAK, full=0.8):
    """Open towards -y, with books."""
    parts = [box((0.025, deep, height), material, (s * (width / 2 - 0.0125), 0, height / 2)) for s in (-1, 1)]
    parts.append(box((width, 0.01, height), material, (0, deep / 2 - 0.005, height / 2)))
    gap = (height - 0.08) / shelves
    for i in range(shelves + 1):
        parts.append(box((width - 0.05, deep - 0.01, 0.025), material, (0, 0, 0.06 + gap * i)))
    for i in range(shelves):
        share = full if i % 2 else full * 0.7
        row = book_row(seed + i, (width - 0.06) * share, gap - 0.06)
        shift = np.array([-width / 2 + 0.028 if i % 2 else width / 2 - 0.03 - (width - 0.06) * share, -0.02, 0.074 + gap * i])
        parts += [p.moved(shift, np.eye(3)) for p in row]
    return parts


def mug(colour, radius=0.042, height=0.095):
    glaze = plain(colour, 0.03, 0.6, 70)
    parts = [part(Frustum(radius * 0.95, radius, height, False), glaze, (0, 0, height / 2))]
    parts.append(part(Frustum(radius * 0.95, radius * 0.95, 0.006), glaze, (0, 0, 0.003)))
    parts.append(part(Frustum(radius * 0.96, radius * 0.97, 0.004), plain("#3a2417", 0.1, 0.5), (0, 0, height * 0.8)))
    bend = [(radius * 0.97 + 0.034 * np.sin(a), 0, height * 0.52 + 0.032 * np.cos(a)) for a in np.linspace(0.1, 3.04, 6)]
    return parts + [rod(a, b, 0.006, glaze) for a, b in zip(bend, bend[1:])]


def bottle(colour, label="#f1ead8", height=0.3, radius=0.038, cap="#333333"):
    glass = plain(colour, 0.03, 0.8, 90)
    body = height * 0.58
    paper = panels(colour, label, colour, edges=(-body * 0.28, body * 0.26))
    return [
        part(Frustum(radius, radius, body), paper, (0, 0, body / 2)),
        part(Frustum(radius, radius * 0.36, height * 0.14), glass, (0, 0, body + height * 0.07)),
        part(Frustum(radius * 0.36, radius * 0.36, height * 0.22), glass, (0, 0, body + height * 0.25)),
        part(Frustum(radius * 0.42, radius * 0.42, height * 0.06), plain(cap, 0.02, 0.4), (0, 0, height * 0.97)),
    ]


def can(colour, band="#f4f1e6", height=0.12, radius=0.036):
    print_ = panels(colour, band, colour, edges=(-height * 0.12, height * 0.18))
    return [
        part(Frustum(radius, radius, height), print_, (0, 0, height / 2)),
        part(Frustum(radius * 0.94, radius * 0.94, 0.004), STEEL, (0, 0, height + 0.002)),
    ]


def carton(colour, band, size=(0.19, 0.07, 0.27)):
    height = size[2]
    print_ = panels(colour, band, colour, band, colour, edges=(-height * 0.3, -height * 0.26, height * 0.1, height * 0.32))
    return [box(size, print_, (0, 0, height / 2), 0.003)]


def bowl(colour, radius=0.14, height=0.08):
    glaze = plain(colour, 0.03, 0.6, 70)
    return [
        part(Frustum(radius * 0.5, radius, height, False), glaze, (0, 0, height / 2)),
        part(Frustum(radius * 0.5, radius * 0.55, 0.012), glaze, (0, 0, 0.006)),
    ]


def fruit_bowl(colour="#e9e4d6", radius=0.15):
    parts = bowl(colour, radius, 0.08)
    fruit = (("#c8382e", 0, 0), ("#e0a21f", 0.075, 0.3), ("#7fa62f", 0.075, 2.4), ("#d2691e", 0.075, 4.5), ("#c8382e", 0.07, 1.35))
    for at, (colour, out, angle) in enumerate(fruit):
        z = 0.105 if out else 0.13
        parts.append(part(Ellipsoid((0.042, 0.042, 0.04)), plain(colour, 0.2, 0.4), (out * np.cos(angle), out * np.sin(angle), z - 0.02 * (at > 0))))
    return parts


def teapot(colour):
    glaze = plain(colour, 0.04, 0.7, 70)
    parts = [
        part(Ellipsoid((0.1, 0.1, 0.075)), glaze, (0, 0, 0.075)),
        part(Ellipsoid((0.055, 0.055, 0.02)), glaze, (0, 0, 0.145)),
        part(Ellipsoid((0.016,) * 3), glaze, (0, 0, 0.174)),
        rod((-0.08, 0, 0.06), (-0.165, 0, 0.14), 0.014, glaze),
    ]
    bend = [(0.085 + 0.065 * np.sin(a), 0, 0.08 + 0.055 * np.cos(a)) for a in np.linspace(0.2, 2.9, 6)]
    return parts + [rod(a, b, 0.009, glaze) for a, b in zip(bend, bend[1:])]


def vase(colour, flowers, seed=3, height=0.24):
    """A vase with round flowers, about 0.22 taller than the vase itself."""
    random = np.random.default_rng(seed)
    glaze = plain(colour, 0.03, 0.6, 70)
    parts = [
        part(Frustum(0.045, 0.075, height * 0.45), glaze, (0, 0, height * 0.225)),
        part(Frustum(0.075, 0.038, height * 0.4), glaze, (0, 0, height * 0.65)),
        part(Frustum(0.038, 0.05, height * 0.15, False), glaze, (0, 0, height * 0.925)),
    ]
    for i, colour in enumerate(flowers):
        a = 2 * np.pi * i / len(flowers) + random.uniform(-0.3, 0.3)
        out, z = random.uniform(0.05, 0.12), height + random.uniform(0.12, 0.2)
        tip = np.array([out * np.cos(a), out * np.sin(a), z])
        parts += [rod((0, 0, height * 0.85), tip, 0.004, plain("#5a7d3a")), part(Ellipsoid((0.038, 0.038, 0.03)), plain(colour, 0.3), tip)]
        parts.append(part(Ellipsoid((0.014,) * 3), plain("#f0c93a"), tip + [0, 0, 0.026]))
    return parts


def ball(radius, *colours):
    """A ball with vertical panels of colours."""
    shades = [plain(c).texture for c in colours]

    def texture(p, n):
        share = ((np.arctan2(p[1], p[0]) / (2 * np.pi)) % 1) * 2 * len(shades)
        pick = share.astype(int) % len(shades)
        return np.choose(pick[None, :], [s(p, n) for s in shades])

    return [part(Ellipsoid((radius,) * 3), Material(texture, 0.4, 40.0), (0, 0, radius), roll=35)]


def bear(colour="#a9784a", size=1.0):
    fur, pale, eye = cloth(colour, weave=0.5), cloth("#d9b98c", weave=0.4), plain("#1c1512", 0, 0.8)
    spots = [((0.13, 0.11, 0.15), fur, (0, 0, 0.16)), ((0.11, 0.1, 0.1), fur, (0, -0.02, 0.37)),
             ((0.08, 0.05, 0.1), pale, (0, -0.075, 0.16)), ((0.05, 0.045, 0.04), pale, (0, -0.105, 0.345)),
             ((0.017, 0.014, 0.013), eye, (0, -0.147, 0.36))]
    for s in (-1, 1):
        spots += [((0.04, 0.025, 0.04), fur, (s * 0.085, 0, 0.455)), ((0.013,) * 3, eye, (s * 0.04, -0.112, 0.395)),
                  ((0.05, 0.12, 0.055), fur, (s * 0.1, -0.14, 0.055)), ((0.045, 0.05, 0.1), fur, (s * 0.15, -0.03, 0.2)),
                  ((0.04, 0.015, 0.04), pale, (s * 0.1, -0.25, 0.06))]
    return [part(Ellipsoid(tuple(size * h for h in half)), m, np.multiply(at, size)) for half, m, at in spots]


def toy_truck(cab="#c43d33", load="#e2b23a"):
    wheel = plain("#26262a", 0.05)
    parts = [
        box((0.18, 0.52, 0.04), BLACK, (0, 0, 0.1), 0.008),
        box((0.2, 0.16, 0.2), plain(cab, 0.03, 0.4), (0, -0.17, 0.21), 0.02),
        box((0.17, 0.01, 0.07), plain("#bcd9e8", 0.02, 0.7), (0, -0.2485, 0.255)),
        box((0.22, 0.33, 0.15), plain(load, 0.03, 0.3), (0, 0.09, 0.2), 0.012),
    ]
    for x in (-0.1, 0.1):
        for y in (-0.17, 0.02, 0.19):
            parts.append(part(Frustum(0.065, 0.065, 0.045), wheel, (x, y, 0.065), pitch=90))
            parts.append(part(Frustum(0.03, 0.03, 0.049), STEEL, (x, y, 0.065), pitch=90))
    return parts


def cubes(size, *colours):
    """Building blocks, one on another, each turned a little."""
    return [
        box((size, size, size), plain(c, 0.05, 0.25), (0.01 * (i % 2), 0.008 * i, size * (i + 0.5)), 0.008, yaw=17 * i - 10)
        for i, c in enumerate(colours)
    ]


def extinguisher():
    red = plain("#c9211e", 0.03, 0.7, 60)
    return [
        part(Frustum(0.085, 0.085, 0.46), red, (0, 0, 0.23)),
        part(Ellipsoid((0.085, 0.085, 0.06)), red, (0, 0, 0.46)),
        part(Frustum(0.087, 0.087, 0.14), plain("#f2ead8"), (0, 0, 0.27)),
        part(Frustum(0.025, 0.022, 0.08), BLACK, (0, 0, 0.545)),
        box((0.03, 0.14, 0.02), BLACK, (0, -0.04, 0.59), 0.006),
        rod((0, -0.05, 0.56), (0.08, -0.09, 0.3), 0.012, BLACK),
    ]


def bin_(colour="#5b7f95", height=0.4, radius=0.16):
    paint = plain(colour, 0.04, 0.3)
    return [
        part(Frustum(radius * 0.78, radius, height, False), paint, (0, 0, height / 2)),
        part(Frustum(radius * 0.78, radius * 0.78, 0.01), paint, (0, 0, 0.005)),
    ]


def bench(width=1.3, colour=PINE):
    parts = [box((width, 0.11, 0.035), colour, (0, y, 0.44), 0.006) for y in (-0.13, 0, 0.13)]
    for s in (-1, 1):
        x = s * (width / 2 - 0.16)
        parts += [rod((x, y * 1.3, 0.02), (x, y, 0.42), 0.02, BLACK) for y in (-0.14, 0.14)]
        parts.append(rod((x, -0.14, 0.41), (x, 0.14, 0.41), 0.016, BLACK))
    return parts


def cabinet(width=0.8, height=0.9, deep=0.5, paint="#dfe3dc", top=OAK, doors=2):
    face = plain(paint, 0.02, 0.2)
    parts = [box((width, deep, height - 0.04), face, (0, 0, (height - 0.04) / 2), 0.004), box((width + 0.03, deep + 0.03, 0.04), top, (0, 0, height - 0.02), 0.005)]
    each = width / doors
    for i in range(doors):
        x = -width / 2 + each * (i + 0.5)
        parts.append(box((each - 0.02, 0.018, height - 0.16), face, (x, -deep / 2 - 0.006, height / 2), 0.006))
        parts.append(box((0.014, 0.026, 0.14), STEEL, (x + (each / 2 - 0.06) * (1 if i % 2 == 0 else -1), -deep / 2 - 0.024, height * 0.68), 0.005))
    return parts


def stool(colour, height=0.46):
    return legs(0.34, 0.34, height - 0.03, 0.016, PINE, 0.05, 0.04) + [part(Frustum(0.17, 0.17, 0.04), plain(colour, 0.04, 0.2), (0, 0, height - 0.02))]
