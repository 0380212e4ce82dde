"""Frame numbers and seconds."""

from __future__ import annotations

from typing import Any

from .._checks import number
from ..metadata import Metadata


class Time:
    """Absolute frame indices to seconds and back. ``fps`` (1.0 when unknown), ``total_frames``.

    ``video_index``: which of several videos, from 1.
    """

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self.fps = float(metadata.fps or 1.0)
        self.total_frames = int(metadata.total_frames)

    def frame_to_seconds(self, frame_index: float, video_index: int = 1) -> float:
        """Time of an absolute frame index in seconds: as recorded for an input frame, else index / fps."""
        fps, _ = self._video(video_index)
        index = number(frame_index, "frame_index")
        times = self._metadata.frame_times if self._metadata.num_videos == 1 else {}
        recorded = times.get(int(index)) if index == int(index) else None
        return float(recorded) if recorded is not None else index / fps

    def seconds_to_frame(self, seconds: float, video_index: int = 1) -> int:
        """Absolute frame index nearest to a time, kept within 0..total_frames-1."""
        fps, total = self._video(video_index)
        return max(0, min(round(number(seconds, "seconds") * fps), total - 1))

    def frame_range_to_seconds(self, start_frame: float, end_frame: float, video_index: int = 1) -> tuple[float, float]:
        """Times of two frames in seconds."""
        return self.frame_to_seconds(start_frame, video_index), self.frame_to_seconds(end_frame, video_index)

    def get_frame_at_time(self, seconds: float, video_index: int = 1) -> int:
        """The same as seconds_to_frame."""
        return self.seconds_to_frame(seconds, video_index)

    def _video(self, video_index: Any) -> tuple[float, int]:
        """Frames a second and frames in all of a video, 1-based."""
        count = self._metadata.num_videos
        which = number(video_index, "video_index")
        if which not in range(1, count + 1):
            raise ValueError(f"video_index is {video_index}; it must be a whole number from 1 to {count}")
        videos: list[dict[str, Any]] = self._metadata.videos or [{}]
        facts = videos[int(which) - 1]
        return float(facts.get("fps") or self.fps), int(facts.get("total_frames") or self.total_frames)

    def __repr__(self) -> str:
        return f"tools.Time(fps={self.fps}, total_frames={self.total_frames})"
