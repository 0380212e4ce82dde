"""Surfaces: colours that depend on where a point lies on a solid. Everything here is made up by noise.

A texture is a function from points and normals in the solid's own frame, both (3, N), to linear
RGB of the same shape. Colours are written as they look on a screen, e.g. `#c0392b`.
"""

from dataclasses import dataclass
from typing import Callable

import numpy as np


def srgb(text):
    """`#rrggbb` as linear RGB, shape (3, 1)."""
    value = np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)[:, None].astype(np.float32)


@dataclass(frozen=True)
class Material:
    """What a surface looks like: its texture, how it shines, and whether it glows by itself."""

    texture: Callable
    gloss: float = 0.0
    shine: float = 40.0
    glow: float = 0.0


def _tile(seed, power, size=512):
    """A square of smooth noise that repeats, in 0..1, rougher for a smaller `power`."""
    random = np.random.default_rng(seed)
    freq = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    freq[0, 0] = 1
    spectrum = np.fft.fft2(random.standard_normal((size, size))) / freq**power
    spectrum[0, 0] = 0
    noise = np.fft.ifft2(spectrum).real
    return (0.5 + noise / (6 * noise.std())).clip(0, 1).astype(np.float32)


_CLOUD = _tile(1, 1.6)
_ROUGH = _tile(2, 0.9)
_GRAIN = _tile(3, 0.35)


def look_up(tile, x, y):
    """Bilinear reading of a repeating square; one unit is one repeat."""
    size = tile.shape[0]
    x, y = np.asarray(x) * size, np.asarray(y) * size
    x0, y0 = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = (x - x0).astype(np.float32), (y - y0).astype(np.float32)
    x0, y0 = x0 % size, y0 % size
    x1, y1 = (x0 + 1) % size, (y0 + 1) % size
    top = tile[y0, x0] * (1 - fx) + tile[y0, x1] * fx
    return top * (1 - fy) + (tile[y1, x0] * (1 - fx) + tile[y1, x1] * fx) * fy


def flat(p, n):
    """Two coordinates along the surface, metres, from the axis the normal follows most."""
    axis = np.argmax(np.abs(n), axis=0)
    x = np.where(axis == 0, p[1], p[0])
    y = np.where(axis == 2, p[1], p[2])
    return x, y


def _mix(a, b, share):
    return a * (1 - share) + b * share


def _hash(*cells):
    """A number in 0..1 for each cell of a grid."""
    mixed = sum(np.asarray(c, dtype=np.int64) * k for c, k in zip(cells, (73856093, 19349663, 83492791)))
    mixed = (mixed ^ (mixed >> 13)) * 1274126177 & 0x7FFFFFFF
    return ((mixed ^ (mixed >> 16)) % 10007 / 10007.0).astype(np.float32)


def plain(colour, speckle=0.04, gloss=0.0, shine=40.0, glow=0.0):
    """One colour with a breath of unevenness."""
    base = srgb(colour)

    def texture(p, n):
        x, y = flat(p, n)
        return base * (1 + speckle * (look_up(_CLOUD, x * 0.7, y * 0.7) - 0.5) * 2)

    return Material(texture, gloss, shine, glow)


def wood(light, dark, along=0, gloss=0.12, scale=1.0):
    """Grain running along one axis of the solid."""
    a, b = srgb(light), srgb(dark)

    def texture(p, n):
        across = [i for i in range(3) if i != along]
        t = p[across[0]] + 0.7 * p[across[1]]
        bend = look_up(_CLOUD, p[along] * 0.35 * scale, t * 1.3 * scale)
        rings = 0.5 + 0.5 * np.sin((t * 55 * scale + bend * 14))
        fibre = look_up(_ROUGH, p[along] * 0.6 * scale, t * 9 * scale)
        return _mix(a, b, 0.35 * rings + 0.5 * fibre)

    return Material(texture, gloss, 30.0)


def planks(light, dark, width=0.14, length=1.4, gloss=0.18):
    """A wooden floor, boards along y."""
    a, b, gap = srgb(light), srgb(dark), srgb("#3a2a1c")

    def texture(p, n):
        row = np.floor(p[0] / width)
        shift = _hash(row, row * 0 + 7) * length
        board = np.floor((p[1] + shift) / length)
        tone = _hash(row, board)
        fibre = look_up(_ROUGH, p[1] * 0.5 + tone * 3, p[0] * 7 + tone * 5)
        colour = _mix(a, b, 0.45 * tone + 0.5 * fibre)
        fx, fy = p[0] / width - row, (p[1] + shift) / length - board
        edge = (np.minimum(fx, 1 - fx) * width < 0.0022) | (np.minimum(fy, 1 - fy) * length < 0.0022)
        return np.where(edge, _mix(colour, gap, 0.55), colour)

    return Material(texture, gloss, 60.0)


def tiles(colour, joint, size=0.3, gloss=0.2, vary=0.12, second=None):
    """Square tiles, or a chequer with a second colour."""
    a, j = srgb(colour), srgb(joint)
    b = a if second is None else srgb(second)

    def texture(p, n):
        x, y = flat(p, n)
        i, k = np.floor(x / size), np.floor(y / size)
        tone = 1 + vary * (_hash(i, k) - 0.5) + 0.12 * (look_up(_CLOUD, x * 1.7, y * 1.7) - 0.5)
        colour = np.where((i + k) % 2 == 0, a, b) * tone
        fx, fy = x / size - i, y / size - k
        edge = np.minimum(np.minimum(fx, 1 - fx), np.minimum(fy, 1 - fy)) * size < 0.004
        return np.where(edge, j, colour)

    return Material(texture, gloss, 80.0)


def bricks(colour, joint, size=(0.24, 0.075)):
    a, j = srgb(colour), srgb(joint)

    def texture(p, n):
        x, y = flat(p, n)
        row = np.floor(y / size[1])
        i = np.floor(x / size[0] + 0.5 * (row % 2))
        tone = 0.8 + 0.4 * _hash(i, row) + 0.3 * (look_up(_ROUGH, x * 2, y * 2) - 0.5)
        fx, fy = x / size[0] + 0.5 * (row % 2) - i, y / size[1] - row
        edge = (np.minimum(fx, 1 - fx) * size[0] < 0.005) | (np.minimum(fy, 1 - fy) * size[1] < 0.005)
        return np.where(edge, j, a * tone)

    return Material(texture)


def cloth(colour, second=None, stripe=0.0, weave=0.25):
    """Woven cloth, with stripes of a second colour if `stripe` metres are given."""
    a = srgb(colour)
    b = a if second is None else srgb(second)

    def texture(p, n):
        x, y = flat(p, n)
        fine = look_up(_GRAIN, x * 1.9, y * 1.9) + 0.5 * look_up(_CLOUD, x, y)
        base = np.where((np.floor(x / stripe) % 2 == 0), a, b) if stripe else a
        return base * (1 + weave * (fine - 0.75))

    return Material(texture)


def rug(ground, border, pattern, half):
    """A rug of the given half sizes with a border and rows of lozenges."""
    g, e, q = srgb(ground), srgb(border), srgb(pattern)

    def texture(p, n):
        x, y = p[0], p[1]
        inside = np.minimum(half[0] - np.abs(x), half[1] - np.abs(y))
        cell_x, cell_y = (x / 0.3) % 1 - 0.5, (y / 0.3) % 1 - 0.5
        ring = np.abs(cell_x) + np.abs(cell_y)
        colour = np.where((ring < 0.36) & (ring > 0.22) | (ring < 0.1), q, g)
        colour = np.where((inside < 0.16) & (inside > 0.12), q, np.where(inside < 0.12, e, colour))
        return colour * (1 + 0.35 * (look_up(_GRAIN, x * 1.5, y * 1.5) - 0.5))

    return Material(texture)


def leaf(colour):
    base = srgb(colour)

    def texture(p, n):
        vein = np.abs(p[1]) < 0.004
        tone = 1 + 0.5 * (look_up(_CLOUD, p[0] * 3, p[1] * 3) - 0.5)
        return np.where(vein, base * 1.5, base * tone)

    return Material(texture, 0.15, 20.0)


def panels(*colours, axis=2, edges=()):
    """Bands of colours along one axis, cut at the given places; a printed label."""
    shades = np.concatenate([srgb(c) for c in colours], axis=1)

    def texture(p, n):
        band = np.searchsorted(np.array(edges), p[axis])
        return shades[:, band] * (1 + 0.06 * (look_up(_CLOUD, p[0] * 4, p[2] * 4) - 0.5))

    return Material(texture, 0.25, 60.0)


def print_on(image, half, gloss=0.1, glow=0.0, up=2):
    """A picture (H, W, 3 linear) stretched over the x by `up` face of a box of the given half sizes."""
    height, width = image.shape[:2]

    def texture(p, n):
        u = (p[0] / half[0] + 1) / 2 * (width - 1)
        v = (1 - p[up] / half[1]) / 2 * (height - 1)
        u, v = np.clip(u, 0, width - 1.001), np.clip(v, 0, height - 1.001)
        x, y = u.astype(int), v.astype(int)
        fx, fy = u - x, v - y
        top = image[y, x].T * (1 - fx) + image[y, x + 1].T * fx
        low = image[y + 1, x].T * (1 - fx) + image[y + 1, x + 1].T * fx
        return top * (1 - fy) + low * fy

    return Material(texture, gloss, 60.0, glow)


def _canvas(height, width, top, bottom):
    share = np.linspace(0, 1, height)[:, None, None]
    return np.broadcast_to(srgb(top).T * (1 - share) + srgb(bottom).T * share, (height, width, 3)).copy()


def landscape(seed, sky=("#8ec5ea", "#e9f3f7"), hills=("#7fa37a", "#56834f", "#3b6a3a"), sun="#fff3c4"):
    """Hills one behind the other under a sky."""
    image = _canvas(240, 320, *sky)
    rows, columns = np.mgrid[0:240, 0:320]
    image[np.hypot(columns - 235, rows - 60) < 22] = srgb(sun).T
    random = np.random.default_rng(seed)
    for depth, colour in enumerate(hills):
        x = np.arange(320) / 320
        ridge = 110 + 38 * depth + sum(
            random.uniform(5, 16) / k * np.sin(2 * np.pi * k * x + random.uniform(0, 6.28)) for k in (1, 2, 3, 5)
        )
        image[rows > ridge[None, :]] = srgb(colour).T
    return image


def abstract(seed, ground, *colours):
    """A few discs and bars on a ground."""
    image = _canvas(240, 320, ground, ground)
    rows, columns = np.mgrid[0:240, 0:320]
    random = np.random.default_rng(seed)
    for at, colour in enumerate(colours):
        x, y = random.uniform(60, 260), random.uniform(50, 190)
        if at % 2 == 0:
            shape = np.hypot(columns - x, rows - y) < random.uniform(28, 60)
        else:
            shape = (np.abs(columns - x) < random.uniform(20, 70)) & (np.abs(rows - y) < random.uniform(8, 36))
        image[shape] = srgb(colour).T
    return image
