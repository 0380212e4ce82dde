"""What is true in a scene, from its geometry and what its cameras see of it.

Distances between things run between their surfaces as far as some picture shows them: `World.probe`
casts rays between the pixel centres, closer and closer around the nearest pair, so no pixel grid is
left in the result.
"""

from functools import cache

import numpy as np

_FINE = (np.arange(8) + 0.5) / 8 - 0.5


@cache
def facts(scene, frames):
    """What is known about those frames, worked out once."""
    return Facts(scene, frames)


class Facts:
    """True statements about some pictures of one scene, by their frame numbers."""

    def __init__(self, scene, frames):
        self.scene, self.frames = scene, list(frames)
        self.first = self.frames[0]

    def numbers(self, name):
        """Things called so: those whose last words are the name's."""
        words = name.split()
        return [i for i, t in enumerate(self.things()) if t.label.split()[-len(words) :] == words]

    def number(self, name):
        found = self.numbers(name)
        if len(found) != 1:
            raise ValueError(f"`{name}` names {len(found)} things")
        return found[0]

    def things(self, frame=None):
        return self.scene.world(self.first if frame is None else frame).things

    def thing(self, name, frame=None):
        return self.things(frame)[self.number(name)]

    def pixels(self, number, frame):
        """Columns and rows whose centres show a thing."""
        rows, columns = np.nonzero(self.scene.seen(frame)[1] == number)
        return columns.astype(float), rows.astype(float)

    def _points(self, number, frame, u, v):
        """Places on a thing under pixel coordinates, and the coordinates that show it."""
        depth, owner, d = self.scene.world(frame).probe(self.scene.camera(frame), u, v)
        hit = owner == number
        where = self.scene.camera(frame).position[:, None] + depth[hit] * d[:, hit]
        return where.T, np.stack([u[hit], v[hit]], axis=1)

    def _sight(self, number):
        """Every picture's view of a thing: [(frame, points, pixel coordinates)]."""
        views = []
        for frame in self.frames:
            u, v = self.pixels(number, frame)
            if u.size:
                camera = self.scene.camera(frame)
                depth = self.scene.seen(frame)[0][v.astype(int), u.astype(int)]
                views.append((frame, (camera.position[:, None] + depth * camera.rays(u, v)).T, np.stack([u, v], axis=1)))
        if not views:
            raise ValueError(f"no picture shows {self.things()[number].label}")
        return views

    @cache
    def cloud(self, name, frame=None):
        views = [v for v in self._sight(self.number(name)) if frame is None or v[0] == frame]
        return np.concatenate([v[1] for v in views])

    @cache
    def centre(self, name, frame=None):
        """The middle of what is seen of a thing."""
        return np.median(self.cloud(name, frame), axis=0)

    @cache
    def distance(self, a, b):
        """Between the closest points that some picture shows, metres; refused where its pixels are too coarse for it."""
        numbers = (self.number(a), self.number(b))
        first, second = self._near_sides(*(self._sight(n) for n in numbers))
        coarse = _gap(first, second)
        step = 1.0
        for _ in range(3):
            first, second = (
                self._closer(numbers[0], first, second, step),
                self._closer(numbers[1], second, first, step),
            )
            step /= len(_FINE)
        true = _gap(first, second)
        if coarse > 1.008 * true:
            raise ValueError(f"the pixels tell {coarse:.4f} m between {a} and {b}, the truth is {true:.4f} m")
        return true

    @staticmethod
    def _near_sides(first, second):
        """Both views without the points that cannot be the closest."""
        for _ in range(3):
            bound = min(_nearest(a[1][:: len(a[1]) // 300 + 1], b[1][:: len(b[1]) // 300 + 1]).min() for a in first for b in second)
            first, second = _within(bound + 0.01, first, second), _within(bound + 0.01, second, first)
        return first, second

    def _closer(self, number, mine, others, step):
        """The places of `mine` that come nearest to `others`, looked at more closely."""
        target = np.concatenate([o[1] for o in others])
        away = [_nearest(points, target) for _, points, _ in mine]
        limit = np.sort(np.concatenate(away))[: 60][-1]
        views = []
        for (frame, points, at), gap in zip(mine, away):
            near = np.flatnonzero(gap <= limit)
            du, dv = (g.ravel() * step for g in np.meshgrid(_FINE, _FINE))
            u, v = (at[near, 0][:, None] + du).ravel(), (at[near, 1][:, None] + dv).ravel()
            finer, pixels = self._points(number, frame, u, v) if near.size else (points[:0], at[:0])
            # The places already known stay, so that looking closer never loses any.
            views.append((frame, np.concatenate([finer, points[near]]), np.concatenate([pixels, at[near]])))
        return [view for view in views if len(view[1])]

    @cache
    def range(self, name, frame=None):
        """From the camera to the closest visible point, metres."""
        number, frame = self.number(name), self.first if frame is None else frame
        view = [v for v in self._sight(number) if v[0] == frame]
        eye = [(frame, self.scene.camera(frame).position[None, :], None)]
        for step in (1.0, 1.0 / len(_FINE)):
            view = self._closer(number, view, eye, step)
        return _gap(view, eye)

    def median_depth(self, name):
        """Along the camera's axis, over the thing's pixels."""
        frame = self.first
        u, v = self.pixels(self.number(name), frame)
        offsets = np.array([-0.375, -0.125, 0.125, 0.375])
        du, dv = (g.ravel() for g in np.meshgrid(offsets, offsets))
        depth, owner, _ = self.scene.world(frame).probe(self.scene.camera(frame), (u[:, None] + du).ravel(), (v[:, None] + dv).ravel())
        return float(np.median(depth[owner == self.number(name)]))

    def tall(self, name):
        return self.size(name, 2)

    def long(self, name):
        sizes = self.thing(name).size()[:2]
        return self.size(name, int(sizes[1] > sizes[0]))

    def wide(self, name):
        """Only of things as wide as they are long."""
        width, length = self.size(name, 0), self.size(name, 1)
        if abs(width - length) > 0.005 * width:
            raise ValueError(f"which side of the {name} is its width?")
        return width

    def size(self, name, axis):
        """A true extent that is also seen, to one percent: along the thing's own x, its y, or up."""
        thing = self.thing(name)
        direction = np.array([0, 0, 1.0]) if axis == 2 else thing.rot[:, axis]
        true, span = thing.extent(direction), float(np.ptp(self.cloud(name) @ direction))
        if abs(span - true) > 0.012 * true:
            raise ValueError(f"{name} is {true:.3f} m along its axis {axis}, but {span:.3f} m are seen")
        return true

    def lowest(self, name):
        """The lowest point of a thing above the floor, where it is seen; more than 6 mm of it hidden is refused."""
        thing = self.thing(name)
        true = min(p.at[2] - p.shape.reach(-p.rot[2]) for p in thing.parts)
        seen = float(self.cloud(name)[:, 2].min())
        if seen - true > 0.006:
            raise ValueError(f"the foot of the {name} is hidden: {seen:.3f} m seen, {true:.3f} m true")
        return float(true)

    def count(self, name):
        """Things of that name in any picture; each must be plain to see."""
        numbers = self.numbers(name)
        for number in numbers:
            if max(self.pixels(number, f)[0].size for f in self.frames) < 120:
                raise ValueError(f"one {name} is hardly seen")
        return len(numbers)

    def moved(self, name, first, last):
        """From centre to centre."""
        return float(np.linalg.norm(self.thing(name, last).parts[0].at - self.thing(name, first).parts[0].at))

    def column(self, name):
        return float(self.pixels(self.number(name), self.first)[0].mean())

    def camera_moved(self):
        return float(np.linalg.norm(self._step()))

    def _step(self):
        return self.scene.camera(self.frames[-1]).position - self.scene.camera(self.first).position

    def camera_ahead(self):
        """The share of the camera's way that goes where it first looked."""
        return float(self._step() @ self.scene.camera(self.first).pose[:3, 2]) / self.camera_moved()

    def camera_turned(self):
        """Degrees between the first and the last camera's directions."""
        turn = self.scene.camera(self.first).pose[:3, :3].T @ self.scene.camera(self.frames[-1]).pose[:3, :3]
        return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))

    def side(self, standing, facing, asked):
        """left, right, in front or behind, on the floor's plane; None near a diagonal."""
        here, there, it = (self.centre(n)[:2] for n in (standing, facing, asked))
        ahead, to = there - here, it - here
        angle = np.degrees(np.arctan2(ahead[0] * to[1] - ahead[1] * to[0], ahead @ to))
        for middle, word in ((0, "in front"), (90, "left"), (-90, "right"), (180, "behind")):
            if abs((angle - middle + 180) % 360 - 180) < 28:
                return word
        raise ValueError(f"standing at the {standing} facing the {facing}, the {asked} is at {angle:.0f} degrees")


def _gap(first, second):
    return float(min(_nearest(a[1], b[1]).min() for a in first for b in second))


def _nearest(points, target, at_once=4_000_000):
    """For each point, how far the closest of the targets is."""
    middle = target.mean(axis=0)
    points, target = points - middle, target - middle
    away = np.empty(len(points))
    chunk = max(1, at_once // len(target))
    for at in range(0, len(points), chunk):
        part = points[at : at + chunk]
        squares = (part * part).sum(1)[:, None] - 2 * part @ target.T + (target * target).sum(1)
        away[at : at + chunk] = squares.min(axis=1)
    return np.sqrt(np.maximum(away, 0))


def _within(bound, mine, others):
    """What of `mine` lies within `bound` of the box around the others."""
    target = np.concatenate([points for _, points, _ in others])
    low, high = target.min(axis=0), target.max(axis=0)
    kept = []
    for frame, points, at in mine:
        beyond = np.maximum(np.maximum(low - points, points - high), 0)
        near = (beyond * beyond).sum(1) <= bound * bound
        if near.any():
            kept.append((frame, points[near], at[near]))
    return kept
