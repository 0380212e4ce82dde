"""What is known about the input before anything is looked at."""

from __future__ import annotations

from typing import Any


class Metadata:
    """Facts about the input.

    ``is_video``, ``fps`` (frames a second, None if unknown), ``total_frames`` (of the video, else the number of
    images), ``duration_sec``, ``num_images``, ``num_videos``, ``videos`` (None for a single input),
    ``frame_times`` (absolute index -> seconds, where known), ``reconstruct_max_frames``.
    """

    def __init__(
        self,
        *,
        num_images: int,
        reconstruct_max_frames: int,
        video: tuple[float, int, float] | None = None,
        frame_times: dict[int, float] | None = None,
    ) -> None:
        fps, total, duration = video or (0.0, 0, 0.0)
        self.is_video = bool(fps or total)
        self.fps = fps or None
        self.total_frames = total or num_images
        self.duration_sec = duration or (self.total_frames / fps if fps else None)
        self.num_images = num_images
        self.num_videos = 1
        self.videos = None
        self.video_source = None
        self.frame_times = dict(frame_times or {})
        self.reconstruct_max_frames = reconstruct_max_frames

    def to_dict(self) -> dict[str, Any]:
        """All facts as a plain dict."""
        return dict(vars(self))

    def __repr__(self) -> str:
        facts = {key: value for key, value in vars(self).items() if value not in (None, {})}
        if len(self.frame_times) > 6:
            facts["frame_times"] = f"{{… {len(self.frame_times)} times}}"
        return f"Metadata({', '.join(f'{key}={value!r}' for key, value in facts.items())})"
