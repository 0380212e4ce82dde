"""A reconstruction of several frames in one metric, gravity-aligned world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from .frames import PerFrame, PerFrameDepth, PerFrameExtrinsics, PerFrameIntrinsics, PerFramePointMap

if TYPE_CHECKING:
    from collections.abc import Callable

    from .images import VisualFeedback
    from .masks import PerFrameMask

    Segmenter = Callable[[list[int], list[str]], PerFrameMask]


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
