"""The map from above, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Wedge
from PIL import Image

from ._footprints import Array, Axes, Footprint, direction_words, sides, unbroken

if TYPE_CHECKING:
    from .reconstruction import Reconstruction

_HALF_VIEW_DEG = 30.0
# Of the side of what is drawn: room around it, the reference camera, other cameras.
_PADDING, _REFERENCE_REACH, _OTHER_REACH = 0.15, 0.10, 0.07


def draw(
    recon: Reconstruction, reference: int, view: Axes, objects: list[Footprint], ego: bool
) -> tuple[Image.Image, str]:
    """An 800x800 picture and what it shows, in words."""
    figure = Figure(figsize=(8, 8), dpi=100)
    canvas = FigureCanvasAgg(figure)
    plane = figure.add_axes((0.1, 0.08, 0.85, 0.84))
    cameras = view.plane(recon.extrinsics.camera_poses[:, :3, 3])
    centre, span = _window(cameras if ego else cameras[[recon.get_by_frame_index(reference)]], objects)
    said = [_draw_object(plane, footprint, at) for at, footprint in enumerate(objects)]
    if ego and recon.num_frames > 1:
        said.append(
            _draw_path(plane, cameras) if recon._is_video else _draw_cameras(plane, recon, reference, view, span)
        )
    _draw_camera(plane, recon, reference, view, _REFERENCE_REACH * span, "red")
    _frame(plane, centre, span * (0.5 + _PADDING), reference)
    canvas.draw()  # type: ignore[no-untyped-call]
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")  # type: ignore[no-untyped-call]
    facing = f"map from above, metres, up = where the camera of frame {reference} (red) looks, right = its right"
    return picture, "; ".join([facing, *said])


def _window(cameras: Array, objects: list[Footprint]) -> tuple[Array, float]:
    """Centre and side of the square around cameras and objects, at least a metre."""
    drawn = [cameras] + [part for one in objects for part in (one.path, one.corners) if part is not None and len(part)]
    everything = np.concatenate(drawn)
    low, high = everything.min(axis=0), everything.max(axis=0)
    return (low + high) / 2, max(float((high - low).max()), 1.0)


def _draw_object(plane: Any, footprint: Footprint, at: int) -> str:
    return _draw_moving(plane, footprint) if footprint.moving else _draw_still(plane, footprint, at)


def _draw_still(plane: Any, footprint: Footprint, at: int) -> str:
    corners = footprint.corners
    assert corners is not None, "things that stand still have corners"
    colour = matplotlib.colormaps["tab10"](at % 10)
    plane.add_patch(
        Polygon(corners, closed=True, facecolor=(*colour[:3], 0.35), edgecolor=colour, label=_plain(footprint.label))
    )
    top = corners[int(np.argmax(corners[:, 1]))]
    _note(plane, top, footprint.label, colour)
    middle, (width, depth) = np.median(footprint.points, axis=0), sides(corners)
    return f"{footprint.label}: at right {middle[0]:.2f}, forward {middle[1]:.2f}, seen part {width:.2f} x {depth:.2f}"


def _draw_moving(plane: Any, footprint: Footprint) -> str:
    path = footprint.path
    shades = matplotlib.colormaps["coolwarm_r"](np.linspace(0, 1, len(path)))
    at = 0
    parts = unbroken(path)
    for part in parts:
        for first in range(len(part) - 1):
            plane.plot(*part[first : first + 2].T, color=shades[at + first], linewidth=2)
        at += len(part)
    plane.plot(*path[0], "o", color="red", label=_plain(f"{footprint.label} (start)"))
    ends = [part for part in parts if len(part) > 1]
    if ends:
        _arrow(plane, ends[-1][-2], ends[-1][-1], "blue")
    step = path[-1] - path[0]
    heading = direction_words(step)
    _note(plane, path[len(path) // 2], f"{footprint.label}: {heading}", "black")
    return (
        f"{footprint.label}: moves {heading}, from right {path[0][0]:.2f}, forward {path[0][1]:.2f}"
        f" to right {path[-1][0]:.2f}, forward {path[-1][1]:.2f} ({np.linalg.norm(step):.2f} m)"
    )


def _draw_path(plane: Any, cameras: Array) -> str:
    shades = matplotlib.colormaps["summer"](np.linspace(0, 1, len(cameras)))
    for at in range(len(cameras) - 1):
        plane.plot(*cameras[at : at + 2].T, "--", color=shades[at], linewidth=1.5)
    plane.plot(*cameras[0], "o", color="green", label="camera path (start)")
    _arrow(plane, cameras[-2], cameras[-1], "gold")
    step = cameras[-1] - cameras[0]
    return f"camera path: {direction_words(step)}, {np.linalg.norm(step):.2f} m from first to last frame"


def _draw_cameras(plane: Any, recon: Reconstruction, reference: int, view: Axes, span: float) -> str:
    others = [frame for frame in recon.frame_indices if frame != reference]
    for frame in others:
        _draw_camera(plane, recon, frame, view, _OTHER_REACH * span, "blue")
    return f"cameras of frames {others} (blue)"


def _draw_camera(plane: Any, recon: Reconstruction, frame: int, view: Axes, reach: float, colour: str) -> None:
    pose = recon.extrinsics[frame]
    position, looks = view.plane(pose[:3, 3]), view.direction(pose[:3, 2])
    angle = float(np.degrees(np.arctan2(looks[1], looks[0])))
    plane.add_patch(
        Wedge(tuple(position), reach, angle - _HALF_VIEW_DEG, angle + _HALF_VIEW_DEG, color=colour, alpha=0.5)
    )
    _note(plane, position, str(frame), colour)


def _arrow(plane: Any, start: Array, end: Array, colour: str) -> None:
    plane.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2})


def _note(plane: Any, at: Array, text: str, colour: Any) -> None:
    plane.annotate(text, at, textcoords="offset points", xytext=(4, 4), color=colour, fontsize=9, parse_math=False)


def _frame(plane: Any, centre: Array, half: float, reference: int) -> None:
    plane.set_xlim(centre[0] - half, centre[0] + half)
    plane.set_ylim(centre[1] - half, centre[1] + half)
    plane.set_aspect("equal")
    plane.set_xlabel(f"metres to the right of camera {reference}")
    plane.set_ylabel(f"metres in front of camera {reference}")
    sides_of_map = ((0.5, 0.98, "front"), (0.5, 0.02, "back"), (0.03, 0.5, "left"), (0.97, 0.5, "right"))
    for x, y, word in sides_of_map:
        plane.text(x, y, word, transform=plane.transAxes, ha="center", va="center", color="grey")
    plane.grid(alpha=0.3)
    if plane.get_legend_handles_labels()[0]:
        legend = plane.legend(loc="best", fontsize=8)
        for text in legend.get_texts():
            text.set_parse_math(False)


def _plain(label: str) -> str:
    """A legend leaves out labels that begin with an underscore."""
    return label.lstrip("_") or "object"
