"""A reconstruction of several frames in one metric, gravity-aligned world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import _bev, _footprints
from ._footprints import Axes, Footprint
from .frames import PerFrame, PerFrameDepth, PerFrameExtrinsics, PerFrameIntrinsics, PerFramePointMap
from .images import VisualFeedback
from .masks import PerFrameMask

# Masks of named things: frames, prompts, labels.
Segmenter = Callable[[list[int], list[str], list[str]], PerFrameMask]


class Reconstruction(PerFrame):
    """Frames in one world: right-handed, metres, +Y up, floor near Y=0, first camera looks along -Z, its right is +X.

    ``points`` PerFramePointMap, ``depth`` PerFrameDepth, ``intrinsics`` PerFrameIntrinsics, ``extrinsics``
    PerFrameExtrinsics (all looked up by absolute frame index), ``confidence`` (N,H,W) f32 in [0,1],
    ``metric_scale`` float (already applied: never multiply by it), ``gravity_direction`` (3,) the up vector (0,1,0),
    ``gravity_source`` how "up" was found, ``scale_source`` where metres come from, ``engine``, ``frame_indices``.
    """

    _usage = (
        "recon.points[fi] -> (H,W,3) world X,Y,Z;  recon.depth[fi] -> (H,W) metres, NaN = no reading",
        "recon.intrinsics[fi] -> dict fx,fy,cx,cy;  recon.extrinsics[fi] -> (4,4) camera-to-world",
        "recon.confidence -> (N,H,W);  show(recon.render_bev(masks=seg)) draws a map from above",
    )

    def __init__(
        self,
        frame_indices: Sequence[int],
        depth: NDArray[np.float32],
        confidence: NDArray[np.float32],
        intrinsics: NDArray[np.float64],
        camera_poses: NDArray[np.float64],
        *,
        sizes: Sequence[tuple[int, int]] | None = None,
        facts: dict[str, Any] | None = None,
        is_video: bool = False,
        segment: Segmenter | None = None,
    ) -> None:
        super().__init__(frame_indices, sizes)
        facts = facts or {}
        self.depth = PerFrameDepth(depth, confidence, frame_indices, sizes)
        self.intrinsics = PerFrameIntrinsics(intrinsics, frame_indices)
        self.extrinsics = PerFrameExtrinsics(camera_poses, frame_indices)
        self.points = PerFramePointMap(self.depth, self.intrinsics, self.extrinsics)
        self.metric_scale = float(facts.get("metric_scale", 1.0))
        self.gravity_direction = np.array([0.0, 1.0, 0.0])
        self.gravity_source = str(facts.get("gravity_source", "unknown"))
        self.scale_source = str(facts.get("scale_source", "unknown"))
        self.engine = str(facts.get("engine", "unknown"))
        self._is_video = is_video
        self._segment = segment

    @property
    def confidence(self) -> NDArray[np.float32]:
        """(N,H,W) f32 in [0,1], 0 where nothing was read; the same array as ``points.confidence``."""
        return self.points.confidence

    def __getitem__(self, frame_index: int) -> NoReturn:
        raise TypeError(
            f"a Reconstruction is not indexed: use recon.points[{frame_index!r}], recon.depth[{frame_index!r}],"
            f" recon.intrinsics[{frame_index!r}] or recon.extrinsics[{frame_index!r}]"
        )

    def _array_size(self) -> tuple[int, int]:
        return self.depth._array_size()

    def _facts(self) -> str:
        height, width = self._array_size()
        return f"{height}x{width}, gravity_source={self.gravity_source!r}, scale_source={self.scale_source!r}, "

    def render_bev(
        self,
        masks: PerFrameMask | NDArray[np.bool_] | None = None,
        labels: Sequence[str] | None = None,
        prompts: str | Sequence[str] | None = None,
        conf_threshold: float = 0.1,
        ref_frame: int = 0,
        ego_trajectory: bool = True,
    ) -> VisualFeedback:
        """Map from above (800x800) as ``VisualFeedback``; its description gives positions and sizes in words.

        Up is where the camera of ``ref_frame`` (absolute index; 0 = the first frame) looks, right is its right.
        ``masks``: a PerFrameMask; matched by absolute frame index. ``prompts``: names to segment on the spot instead.
        Things that stand still are rectangles, moving ones arrows, cameras wedges or (video) a dashed path.
        """
        reference = self._reference(ref_frame)
        view = _footprints.axes(self.extrinsics[reference])
        objects, lost = self._objects(masks, labels, prompts, view, float(conf_threshold))
        picture, description = _bev.draw(self, reference, view, objects, bool(ego_trajectory))
        if lost:
            print(f"warning: {', '.join(lost)}: fewer than 4 measured points in these frames, so not on the map")
        return VisualFeedback(picture, "Reconstruction.render_bev", description)

    def _reference(self, ref_frame: int) -> int:
        if ref_frame == 0 and 0 not in self:
            return self.frame_indices[0]
        return self.frame_indices[self.get_by_frame_index(ref_frame)]

    def _objects(
        self,
        masks: Any,
        labels: Sequence[str] | None,
        prompts: str | Sequence[str] | None,
        view: Axes,
        threshold: float,
    ) -> tuple[list[Footprint], list[str]]:
        if masks is not None and prompts is not None:
            raise ValueError("render_bev takes masks or prompts, not both")
        if prompts is not None:
            masks = self._segmented([prompts] if isinstance(prompts, str) else list(prompts), labels)
        if masks is None:
            return [], []
        return _footprints.footprints(self, self._as_masks(masks, labels), view, threshold)

    def _segmented(self, prompts: list[str], labels: Sequence[str] | None) -> PerFrameMask:
        if self._segment is None:
            raise RuntimeError("this reconstruction cannot segment; segment first and pass masks=seg")
        return self._segment(self.frame_indices, prompts, list(labels) if labels is not None else prompts)

    def _as_masks(self, masks: Any, labels: Sequence[str] | None) -> PerFrameMask:
        if isinstance(masks, PerFrameMask):
            return masks
        if not isinstance(masks, np.ndarray):
            raise TypeError(f"masks must be a PerFrameMask or a bool array, not {type(masks).__name__}")
        if masks.ndim != 4 or len(masks) != self.num_frames:
            raise ValueError(
                f"masks must be (N, N_obj, H, W) with N={self.num_frames}, one set for each reconstructed frame, not"
                f" {masks.shape}; a PerFrameMask needs no such care"
            )
        names = list(labels or [])
        names += [f"obj_{at}" for at in range(len(names), masks.shape[1])]
        return PerFrameMask(masks, names[: masks.shape[1]], self.frame_indices)
