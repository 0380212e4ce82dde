"""Solids that a ray can meet, each in its own frame, centred on the origin.

Points and directions are arrays of shape (3, N). A ray is `o + t * d`; `hit` gives the smallest
`t` above `NEAR`, or infinity. Directions need not have length 1: with a direction whose camera Z
is 1, `t` is the depth along the camera's +Z axis.
"""

from dataclasses import dataclass

import numpy as np

NEAR = 1e-4


def dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def unit(a):
    return a / np.sqrt(np.maximum(dot(a, a), 1e-20))


def nearest_root(a, b, c):
    """Both roots of a t^2 + 2 b t + c, infinite where there is none."""
    disc = b * b - a * c
    miss = disc < 0
    root = np.sqrt(np.where(miss, 0, disc))
    with np.errstate(divide="ignore", invalid="ignore"):
        near, far = (-b - root) / a, (-b + root) / a
    near, far = np.minimum(near, far), np.maximum(near, far)
    return np.where(miss, np.inf, near), np.where(miss, np.inf, far)


def first(*candidates):
    best = np.full_like(candidates[0], np.inf)
    for t in candidates:
        best = np.where((t > NEAR) & (t < best), t, best)
    return best


@dataclass(frozen=True)
class Box:
    """Half sizes along x, y and z."""

    half: tuple

    @property
    def radius(self):
        return float(np.linalg.norm(self.half))

    def hit(self, o, d):
        near, far = self.span(o, d)
        t = np.where(near > NEAR, near, far)
        return np.where((far >= near) & (t > NEAR), t, np.inf)

    def span(self, o, d):
        near, far = -np.inf, np.inf
        with np.errstate(divide="ignore", invalid="ignore"):
            for axis in range(3):
                inverse = 1.0 / d[axis]
                a = (-self.half[axis] - o[axis]) * inverse
                b = (self.half[axis] - o[axis]) * inverse
                near = np.maximum(near, np.minimum(a, b))
                far = np.minimum(far, np.maximum(a, b))
        return near, far

    def shade_hit(self, o, d):
        return self.hit(o, d)

    def normal(self, p):
        scaled = p / np.array(self.half, dtype=p.dtype)[:, None]
        axis = np.argmax(np.abs(scaled), axis=0)
        n = np.zeros_like(p)
        columns = np.arange(p.shape[1])
        n[axis, columns] = np.sign(scaled[axis, columns])
        return n

    def reach(self, direction):
        """How far the solid goes along a unit direction."""
        return float(np.abs(direction) @ np.array(self.half))


@dataclass(frozen=True)
class RoundBox:
    """A box whose edges are rounded with `bevel`; `half` includes the rounding."""

    half: tuple
    bevel: float

    @property
    def radius(self):
        return float(np.linalg.norm(self.half))

    def _outside(self, p):
        core = np.array(self.half, dtype=p.dtype)[:, None] - self.bevel
        return np.maximum(np.abs(p) - core, 0) * np.sign(p)

    def hit(self, o, d):
        near, far = Box(self.half).span(o, d)
        shape = np.broadcast(near, o[0] * d[0]).shape
        near, far = np.broadcast_to(near, shape), np.broadcast_to(far, shape)
        t = np.full(shape, np.inf, dtype=np.asarray(d).dtype)
        live = np.flatnonzero((far >= near) & (far > NEAR))
        if live.size == 0:
            return t
        origin = np.broadcast_to(o.reshape(3, -1), (3, shape[0]))[:, live]
        t[live] = self._march(origin, d[:, live], np.maximum(near[live], NEAR), far[live])
        return t

    def _march(self, o, d, t, far):
        """Steps by the distance to the surface; the solid is convex, so this closes in quickly."""
        speed = np.sqrt(dot(d, d))
        core = np.array(self.half, dtype=d.dtype)[:, None] - self.bevel
        for _ in range(64):
            q = np.abs(o + t * d) - core
            gap = np.sqrt((np.maximum(q, 0) ** 2).sum(0)) + np.minimum(q.max(0), 0) - self.bevel
            t = t + gap / speed
            if np.all((np.abs(gap) < 1e-7) | (t > far)):
                break
        return np.where((t <= far + 1e-9) & (gap < 1e-5) & (t > NEAR), t, np.inf)

    def shade_hit(self, o, d):
        return Box(tuple(h - 0.25 * self.bevel for h in self.half)).hit(o, d)

    def normal(self, p):
        return unit(self._outside(p))

    def reach(self, direction):
        core = np.array(self.half) - self.bevel
        return float(np.abs(direction) @ core + self.bevel)


@dataclass(frozen=True)
class Ellipsoid:
    """Half axes; a ball has three equal ones."""

    half: tuple

    @property
    def radius(self):
        return float(max(self.half))

    def hit(self, o, d):
        scale = 1.0 / np.array(self.half, dtype=np.asarray(d).dtype)
        o = o * scale.reshape(3, *([1] * (o.ndim - 1)))
        d = d * scale[:, None]
        near, far = nearest_root(dot(d, d), dot(o, d), dot(o, o) - 1)
        return first(near, far)

    def shade_hit(self, o, d):
        return self.hit(o, d)

    def normal(self, p):
        return unit(p / (np.array(self.half, dtype=p.dtype)[:, None] ** 2))

    def reach(self, direction):
        return float(np.linalg.norm(np.array(self.half) * direction))


@dataclass(frozen=True)
class Frustum:
    """A cone's slice along z from `bottom` radius to `top` radius; open at both ends unless `capped`."""

    bottom: float
    top: float
    height: float
    capped: bool = True

    @property
    def radius(self):
        return float(np.hypot(self.height / 2, max(self.bottom, self.top)))

    def hit(self, o, d):
        half = self.height / 2
        slope = (self.top - self.bottom) / self.height
        middle = (self.top + self.bottom) / 2
        r, k = middle + slope * o[2], slope * d[2]
        a = d[0] * d[0] + d[1] * d[1] - k * k
        b = o[0] * d[0] + o[1] * d[1] - r * k
        c = o[0] * o[0] + o[1] * o[1] - r * r
        roots = nearest_root(np.where(np.abs(a) < 1e-12, 1e-12, a), b, c)
        with np.errstate(invalid="ignore"):
            walls = [np.where(np.abs(o[2] + t * d[2]) <= half, t, np.inf) for t in roots]
        if not self.capped:
            return first(*walls)
        return first(*walls, *(self._cap(o, d, z, r) for z, r in ((-half, self.bottom), (half, self.top))))

    @staticmethod
    def _cap(o, d, z, r):
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (z - o[2]) / d[2]
            x, y = o[0] + t * d[0], o[1] + t * d[1]
            return np.where(x * x + y * y <= r * r, t, np.inf)

    def shade_hit(self, o, d):
        return self.hit(o, d)

    def normal(self, p):
        slope = (self.top - self.bottom) / self.height
        across = np.sqrt(p[0] ** 2 + p[1] ** 2)
        n = unit(np.stack([p[0], p[1], -slope * across]))
        wall = np.abs(across - (self.top + self.bottom) / 2 - slope * p[2])
        cap = self.capped & (self.height / 2 - np.abs(p[2]) < wall)
        n[:, cap] = 0
        n[2, cap] = np.sign(p[2, cap])
        return n

    def reach(self, direction):
        flat = np.hypot(direction[0], direction[1])
        up = direction[2] * self.height / 2
        return float(max(up + self.top * flat, self.bottom * flat - up))


@dataclass(frozen=True)
class Capsule:
    """A rod along z of the given half length, with round ends beyond it."""

    half: float
    thick: float

    @property
    def radius(self):
        return self.half + self.thick

    def hit(self, o, d):
        a = d[0] * d[0] + d[1] * d[1]
        b = o[0] * d[0] + o[1] * d[1]
        c = o[0] * o[0] + o[1] * o[1] - self.thick**2
        near, _ = nearest_root(np.where(a < 1e-12, 1e-12, a), b, c)
        with np.errstate(invalid="ignore"):
            side = np.where(np.abs(o[2] + near * d[2]) <= self.half, near, np.inf)
        return first(side, *(self._end(o, d, z) for z in (-self.half, self.half)))

    def _end(self, o, d, z):
        rise = o[2] - z
        b = o[0] * d[0] + o[1] * d[1] + rise * d[2]
        c = o[0] * o[0] + o[1] * o[1] + rise * rise - self.thick**2
        return nearest_root(dot(d, d), b, c)[0]

    def shade_hit(self, o, d):
        return self.hit(o, d)

    def normal(self, p):
        q = p.copy()
        q[2] = p[2] - np.clip(p[2], -self.half, self.half)
        return unit(q)

    def reach(self, direction):
        return float(abs(direction[2]) * self.half + self.thick)
