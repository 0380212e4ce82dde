"""Parts, things, cameras, and what a ray meets first.

Scenes are built with Z up, metres. Camera axes are OpenCV's: x right, y down, z forward; a pixel's
centre has integer coordinates. Camera rays have Z = 1, so the ray parameter is the depth.
"""

from dataclasses import dataclass, field

import numpy as np

from shapes import NEAR, Capsule, dot


def turn(yaw=0.0, pitch=0.0, roll=0.0):
    """Rotation by degrees: roll about x, then pitch about y, then yaw about z."""
    (cz, sz), (cy, sy), (cx, sx) = ((np.cos(a), np.sin(a)) for a in np.radians([yaw, pitch, roll]))
    z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    return z @ y @ x


@dataclass(frozen=True)
class Part:
    """A solid at a place: local point p lies at `rot @ p + at`."""

    shape: object
    material: object
    at: np.ndarray = field(default_factory=lambda: np.zeros(3))
    rot: np.ndarray = field(default_factory=lambda: np.eye(3))
    shades: bool = True

    def moved(self, at, rot):
        return Part(self.shape, self.material, rot @ np.asarray(self.at, float) + at, rot @ self.rot, self.shades)

    def local(self, origin, directions):
        """A ray's origin and directions in the part's own frame."""
        rot = self.rot.T.astype(directions.dtype)
        shift = np.asarray(self.at, dtype=directions.dtype)
        o = origin - (shift if origin.ndim == 1 else shift[:, None])
        return rot @ o, rot @ directions


def part(shape, material, at=(0, 0, 0), yaw=0.0, pitch=0.0, roll=0.0, shades=True):
    return Part(shape, material, np.asarray(at, float), turn(yaw, pitch, roll), shades)


def rod(a, b, thick, material):
    """A round bar from a to b."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    axis = b - a
    length = np.linalg.norm(axis)
    z = axis / length
    x = np.cross(z, [0, 0, 1.0] if abs(z[2]) < 0.9 else [1.0, 0, 0])
    x /= np.linalg.norm(x)
    return Part(Capsule(length / 2, thick), material, (a + b) / 2, np.stack([x, np.cross(z, x), z], axis=1))


@dataclass
class Thing:
    """An object with a name: parts in the scene's frame, and the frame it was built in."""

    label: str
    parts: list
    at: np.ndarray
    rot: np.ndarray

    def extent(self, direction):
        """Length of the whole object along a unit direction of the scene."""
        ends = [
            (p.at @ direction + p.shape.reach(p.rot.T @ direction), p.at @ direction - p.shape.reach(-p.rot.T @ direction))
            for p in self.parts
        ]
        return float(max(e[0] for e in ends) - min(e[1] for e in ends))

    def size(self):
        """Width and length along its own horizontal axes (x, y), and height."""
        return tuple(self.extent(axis) for axis in (self.rot[:, 0], self.rot[:, 1], np.array([0.0, 0, 1])))


@dataclass(frozen=True)
class Light:
    """A rectangle of light: centre, two half sides, colour times strength."""

    centre: tuple
    side: tuple
    other: tuple
    colour: tuple
    samples: int = 4
    reach: float = 0.0


@dataclass(frozen=True)
class Camera:
    """Where a picture is taken from, and how."""

    pose: np.ndarray
    fx: float
    cx: float
    cy: float
    width: int
    height: int

    def rays(self, u, v):
        """Directions in the scene, Z = 1 in the camera, for pixel coordinates."""
        d = np.stack([(u - self.cx) / self.fx, (v - self.cy) / self.fx, np.ones_like(u)])
        return self.pose[:3, :3].astype(d.dtype) @ d.reshape(3, -1)

    @property
    def position(self):
        return self.pose[:3, 3]

    def window(self, centre, radius):
        """Rows and columns of the picture that a ball may cover, or None."""
        c = self.pose[:3, :3].T @ (np.asarray(centre) - self.position)
        if c[2] < -radius:
            return None
        if np.linalg.norm(c) < radius * 1.3 or c[2] < radius * 1.05:
            return slice(0, self.height), slice(0, self.width)
        # A loose bound: the ball seen at its nearest depth.
        u, v = self.cx + self.fx * c[0] / c[2], self.cy + self.fx * c[1] / c[2]
        near = c[2] - radius
        r_u = self.fx * radius / near * (1 + abs(c[0]) / c[2]) + 2
        r_v = self.fx * radius / near * (1 + abs(c[1]) / c[2]) + 2
        rows = slice(max(0, int(v - r_v)), min(self.height, int(v + r_v) + 2))
        columns = slice(max(0, int(u - r_u)), min(self.width, int(u + r_u) + 2))
        return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def camera(eye, target, fov=60.0, size=(640, 480), roll=0.0):
    """A camera at `eye` looking at `target`; `fov` is the horizontal angle in degrees."""
    eye, target = np.asarray(eye, float), np.asarray(target, float)
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    lean = np.radians(roll)
    right, down = right * np.cos(lean) + down * np.sin(lean), down * np.cos(lean) - right * np.sin(lean)
    pose = np.eye(4)
    pose[:3] = np.stack([right, down, forward, eye], axis=1)
    width, height = size
    fx = round((width / 2) / np.tan(np.radians(fov / 2)), 3)
    return Camera(pose, fx, (width - 1) / 2, (height - 1) / 2, width, height)


class World:
    """Everything that can be seen, numbered: thing i has the id i + 1."""

    def __init__(self, things, lights, ambient=((0.5, 0.5, 0.5), (0.25, 0.22, 0.2)), exposure=1.0):
        self.things = things
        self.lights = lights
        self.ambient = ambient
        self.exposure = exposure
        self.parts = [p for thing in things for p in thing.parts]
        self.owner = np.array([i for i, thing in enumerate(things) for _ in thing.parts])

    def see(self, camera, shift=(0.0, 0.0), dtype=np.float64):
        """Depth and part number for every pixel of a picture, sampled `shift` off the pixel centres."""
        depth = np.full((camera.height, camera.width), np.inf, dtype)
        which = np.full((camera.height, camera.width), -1, np.int32)
        v, u = np.mgrid[0 : camera.height, 0 : camera.width].astype(dtype)
        rays = camera.rays(u + dtype(shift[0]), v + dtype(shift[1])).reshape(3, camera.height, camera.width)
        origin = camera.position.astype(dtype)
        for number, item in enumerate(self.parts):
            window = camera.window(item.at, item.shape.radius)
            if window is None:
                continue
            d = np.ascontiguousarray(rays[(slice(None), *window)]).reshape(3, -1)
            t = item.shape.hit(*self._frame(item, origin, d)).reshape(depth[window].shape)
            closer = t < depth[window]
            depth[window][closer] = t[closer]
            which[window][closer] = number
        return depth, which, rays

    @staticmethod
    def _frame(item, origin, d):
        o, d = item.local(origin, d)
        return o.reshape(3, 1) if o.ndim == 1 else o, d

    def probe(self, camera, u, v):
        """Depth and thing number at arbitrary pixel coordinates, exactly."""
        d = camera.rays(np.asarray(u, float), np.asarray(v, float))
        depth = np.full(d.shape[1], np.inf)
        owner = np.full(d.shape[1], -1)
        length2 = (d * d).sum(0)
        for number, item in enumerate(self.parts):
            to = item.at - camera.position
            along = to @ d
            near = to @ to - along * along / length2 <= (item.shape.radius * 1.001) ** 2
            live = np.flatnonzero(near)
            if live.size == 0:
                continue
            t = item.shape.hit(*self._frame(item, camera.position, d[:, live]))
            closer = t < depth[live]
            depth[live[closer]] = t[closer]
            owner[live[closer]] = self.owner[number]
        return depth, owner, d

    def shadow(self, points, light, grid):
        """The share of a light that reaches each point, 0..1; points are float32 (3, N)."""
        centre = np.asarray(light.centre, np.float32)
        sides = np.stack([light.side, light.other], axis=1)
        spots = centre[:, None] + (sides @ np.array(grid).T).astype(np.float32)
        spread = float(np.linalg.norm(light.side) + np.linalg.norm(light.other))
        seen = np.zeros((len(grid), points.shape[1]), bool)
        for thing in self.things:
            parts = [p for p in thing.parts if p.shades]
            if not parts:
                continue
            middle, radius = _around(parts)
            live = _shaded(points, centre, middle, radius, spread)
            for item in parts if live.size else ():
                mine = live[_shaded(points[:, live], centre, item.at, item.shape.radius, spread)]
                if mine.size:
                    self._block(seen, points, spots, item, mine)
        return 1 - seen.mean(0, dtype=np.float32)

    @staticmethod
    def _block(seen, points, spots, item, mine):
        """Marks the points that a part keeps from each spot of a light."""
        rot, at = item.rot.T.astype(np.float32), item.at.astype(np.float32)[:, None]
        o, ends = rot @ (points[:, mine] - at), rot @ (spots - at)
        for row, end in enumerate(ends.T):
            t = item.shape.shade_hit(o, end[:, None] - o)
            seen[row, mine] |= (t > 2e-3) & (t < 0.999)


def _around(parts):
    """A ball around all parts."""
    low = np.min([p.at - p.shape.radius for p in parts], axis=0)
    high = np.max([p.at + p.shape.radius for p in parts], axis=0)
    middle = (low + high) / 2
    return middle, max(float(np.linalg.norm(p.at - middle)) + p.shape.radius for p in parts)


def _shaded(points, light, middle, radius, spread):
    """Indices of points whose way to a light of half size `spread` may pass a ball."""
    to, c = light[:, None] - points, np.asarray(middle, np.float32)[:, None] - points
    far2, along, off2 = dot(to, to), dot(c, to), dot(c, c)
    share = np.clip(along / far2, 0, 1)
    off2 -= along * share * (2 - share * far2 / np.where(along == 0, 1, along))
    reach = radius + spread * share
    return np.flatnonzero(off2 < reach * reach)


def place(label, parts, at=(0, 0, 0), yaw=0.0):
    """A thing with its parts moved to a place in the scene."""
    at, rot = np.asarray(at, float), turn(yaw)
    return Thing(label, [p.moved(at, rot) for p in parts], at, rot)


__all__ = ["Camera", "Light", "NEAR", "Part", "Thing", "World", "camera", "part", "place", "rod", "turn"]
