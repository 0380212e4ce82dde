"""From what rays meet to a picture: light, soft shadows, contact shade, smooth edges.

Only the colours are approximate; depth and ids come straight from `World.see` at the pixel centres.
"""

import numpy as np

from shapes import dot, unit

# Where in a pixel the colour is sampled.
_SAMPLES = ((-0.375, -0.125), (0.125, -0.375), (0.375, 0.125), (-0.125, 0.375))


def picture(world, camera):
    """RGB (H, W, 3) u8, depth (H, W) f64 metres, and ids (H, W) u8, 0 where nothing is."""
    depth, which, rays = world.see(camera)
    base = _surface(world, camera, depth, which, rays)
    light = _light(world, camera, base, which)
    total = np.zeros((3, camera.height * camera.width), np.float32)
    for shift in _SAMPLES:
        d, w, r = world.see(camera, shift, np.float32)
        surface = _surface(world, camera, d, w, r)
        total += _colour(world, camera, surface, _carry(light, which, w))
    rgb = _film(total / len(_SAMPLES) * world.exposure)
    ids = np.where(which >= 0, world.owner[which] + 1, 0).astype(np.uint8)
    return rgb.T.reshape(camera.height, camera.width, 3), depth, ids


def _surface(world, camera, depth, which, rays):
    """Points, normals, own colours and shine of what each ray met."""
    number = which.ravel()
    d = rays.reshape(3, -1).astype(np.float32)
    points = camera.position.astype(np.float32)[:, None] + d * np.where(number >= 0, depth.ravel(), 1).astype(np.float32)
    normal = np.zeros_like(points)
    colour = np.zeros_like(points)
    glow, gloss, shine = (np.zeros(points.shape[1], np.float32) for _ in range(3))
    order = np.argsort(number, kind="stable")
    bounds = np.searchsorted(number[order], np.arange(len(world.parts) + 1))
    for at, item in enumerate(world.parts):
        live = order[bounds[at] : bounds[at + 1]]
        if live.size == 0:
            continue
        rot = item.rot.astype(np.float32)
        local = rot.T @ (points[:, live] - item.at.astype(np.float32)[:, None])
        n = item.shape.normal(local)
        colour[:, live] = item.material.texture(local, n)
        normal[:, live] = rot @ n
        glow[live], gloss[live], shine[live] = item.material.glow, item.material.gloss, item.material.shine
    flip = dot(normal, d) > 0
    normal[:, flip] *= -1
    return {"p": points, "n": normal, "c": colour, "glow": glow, "gloss": gloss, "shine": shine, "d": unit(d)}


def _light(world, camera, base, which):
    """What reaches each pixel of every light (L, H, W), and the openness of its surroundings."""
    shape = (camera.height, camera.width)
    layers = []
    for light in world.lights:
        steps = (np.arange(light.samples) + 0.5) / light.samples * 2 - 1
        grid = [(a, b) for a in steps for b in steps]
        facing = np.flatnonzero(dot(base["n"], np.asarray(light.centre, np.float32)[:, None] - base["p"]) > -0.3)
        seen = np.zeros(base["p"].shape[1], np.float32)
        lifted = base["p"][:, facing] + 2e-3 * base["n"][:, facing]
        seen[facing] = world.shadow(lifted, light, grid)
        layers.append(_smooth(seen.reshape(shape), which))
    layers.append(_smooth(_openness(base, shape), which))
    return np.stack(layers)


def _openness(base, shape):
    """How little a point's neighbours in the picture hang over it, 0..1."""
    p, n = base["p"].reshape(3, *shape), base["n"].reshape(3, *shape)
    hidden = np.zeros(shape, np.float32)
    spirals = [(r, 2.4 * i) for i, r in enumerate(np.geomspace(2, shape[1] / 9, 20))]
    for radius, angle in spirals:
        dx, dy = int(round(radius * np.cos(angle))), int(round(radius * np.sin(angle)))
        rows = np.clip(np.arange(shape[0]) + dy, 0, shape[0] - 1)
        columns = np.clip(np.arange(shape[1]) + dx, 0, shape[1] - 1)
        to = p[:, rows][:, :, columns] - p
        far2 = (to * to).sum(0) + 1e-4
        rise = np.maximum(dot(n, to) / np.sqrt(far2) - 0.12, 0)
        hidden += rise / (1 + far2 / 0.12)
    return np.clip(1 - 2.3 * hidden / len(spirals), 0.25, 1).astype(np.float32)


def _smooth(values, which, reach=2):
    """A small mean over pixels of the same part."""
    total, weight = values.copy(), np.ones_like(values)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if dx == dy == 0:
                continue
            same = np.roll(which, (dy, dx), (0, 1)) == which
            total += np.where(same, np.roll(values, (dy, dx), (0, 1)), 0)
            weight += same
    return total / weight


def _carry(light, which, sample):
    """The pixels' light for samples off the centres: from the neighbour that shows the same part."""
    taken, found = light.copy(), sample == which
    for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)):
        fits = ~found & (np.roll(which, (dy, dx), (0, 1)) == sample)
        taken = np.where(fits, np.roll(light, (dy, dx), (1, 2)), taken)
        found |= fits
    return taken.reshape(len(light), -1)


def _colour(world, camera, surface, light):
    sky, ground = (np.array(c, np.float32)[:, None] for c in world.ambient)
    up = 0.5 + 0.5 * surface["n"][2]
    around = (sky * up + ground * (1 - up)) * light[-1]
    diffuse, sparkle = around, 0.04 * surface["gloss"] * around
    for source, seen in zip(world.lights, light):
        add, spark = _from(source, surface, seen * (0.5 + 0.5 * light[-1]))
        diffuse, sparkle = diffuse + add, sparkle + spark
    lit = surface["c"] * diffuse + sparkle
    return np.where(surface["glow"] > 0, surface["c"] * surface["glow"], lit)


def _from(source, surface, seen):
    """Diffuse and mirrored light from one source."""
    to = np.asarray(source.centre, np.float32)[:, None] - surface["p"]
    far2 = dot(to, to)
    way = to / np.sqrt(far2)
    fall = 1 / (1 + far2 / source.reach**2) if source.reach else 1.0
    strength = np.array(source.colour, np.float32)[:, None] * seen * fall
    half = unit(way - surface["d"])
    spark = surface["gloss"] * np.maximum(dot(surface["n"], half), 0) ** np.maximum(surface["shine"], 1)
    return strength * np.maximum(dot(surface["n"], way), 0), strength * spark


def _film(linear):
    """Soft highlights, then the screen's gamma, 8 bits."""
    x = np.maximum(linear, 0)
    x = x * (1 + x / 6.0) / (1 + 0.72 * x)
    x = np.clip(x, 0, 1)
    screen = np.where(x <= 0.0031308, x * 12.92, 1.055 * x ** (1 / 2.4) - 0.055)
    return (screen * 255 + 0.5).astype(np.uint8)
