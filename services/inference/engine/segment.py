"""Masks: a COCO detector finds boxes, U2-Net-P cuts the object out of a box, GrabCut grows it from points."""

import hashlib
import json
import pathlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import vocabulary
from detect import Detection, Detector
from pictures import Picture, Refusal

Bools = NDArray[np.bool_]

LOCK = json.loads(pathlib.Path(__file__).with_name("models.json").read_text())

# Of a box's size, added on every side before looking for the salient object in it.
MARGIN = 0.10
# A cut-out that fills less of its box than this missed the object.
MIN_FILL = 0.05
SALIENCY_SIDE = 320
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
GRABCUT_SIDE = 400
GRABCUT_ROUNDS = 5
# GrabCut knows colours only, so its masks are worth this much.
GRABCUT_SCORE = 0.5
REMEMBERED_PICTURES = 8


@dataclass
class Instance:
    """One object: its mask is on the picture's grid, its box in the picture's pixels."""

    label: str
    score: float
    mask: Bools

    def header(self) -> dict[str, Any]:
        rows, columns = np.flatnonzero(self.mask.any(axis=1)), np.flatnonzero(self.mask.any(axis=0))
        rect = [columns[0], rows[0], columns[-1], rows[-1]]
        area = int(np.count_nonzero(self.mask))
        return {"label": self.label, "score": float(self.score), "rect": [float(v) for v in rect], "area": area}

    def bits(self) -> bytes:
        return np.packbits(self.mask).tobytes()


@dataclass
class Concept:
    instances: list[Instance]
    presence: float
    note: str


class Segmenter:
    """Loads each model when it is first needed, and only if it is the one that was pinned."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.detector: Detector | None = None
        self.saliency: cv2.dnn.Net | None = None
        self.seen: OrderedDict[bytes, list[Detection]] = OrderedDict()

    def problems(self) -> list[str]:
        """Model files that are not there."""
        return [name for name in LOCK if not (self.folder / name).is_file()]

    def concept(self, picture: Picture, text: str, threshold: float, most: int) -> Concept:
        classes = vocabulary.meant(text)
        if not classes:
            return Concept([], 0.0, vocabulary.unknown(text))
        candidates = [one for one in self.detections(picture) if one.number in classes]
        presence = max((one.score for one in candidates), default=0.0)
        found = [one for one in candidates if one.score >= threshold][:most]
        instances = [self.cut_out(picture, one.rect, vocabulary.NAMES[one.number], one.score) for one in found]
        kept = [instance for instance in instances if instance is not None]
        return Concept(kept, presence, "" if kept else self.absent(picture, text, presence, threshold))

    def absent(self, picture: Picture, text: str, presence: float, threshold: float) -> str:
        if presence > 0:
            return f"the best match for `{text}` scores {presence:.2f}, below the threshold of {threshold:.2f}"
        seen = sorted({vocabulary.NAMES[one.number] for one in self.detections(picture) if one.score >= 0.3})
        return f"the detector sees no `{text}` in this picture; it sees: {', '.join(seen) or 'nothing it knows'}"

    def in_box(self, picture: Picture, rect: Sequence[float]) -> list[Instance]:
        found = self.cut_out(picture, rect, "object", None)
        return [] if found is None else [found]

    def cut_out(self, picture: Picture, rect: Sequence[float], label: str, score: float | None) -> Instance | None:
        """The object in a box: the salient one, or what GrabCut makes of the box if saliency misses it."""
        height, width = picture.shape[:2]
        x0, y0 = (int(np.clip(np.floor(v + 0.5), 0, side - 1)) for v, side in zip(rect[:2], (width, height)))
        x1, y1 = (int(np.clip(np.ceil(v + 0.5), low + 1, side)) for v, low, side in zip(rect[2:], (x0, y0), (width, height)))
        inside = (slice(y0, y1), slice(x0, x1))
        values = self.salient(picture, (x0, y0, x1, y1))
        mask = np.zeros((height, width), np.bool_)
        mask[inside] = values[inside] > 0.5
        if np.count_nonzero(mask) < MIN_FILL * (x1 - x0) * (y1 - y0):
            mask = grabcut_box(picture, (x0, y0, x1, y1))
            own = GRABCUT_SCORE
        else:
            own = float(values[mask].mean())
        return Instance(label, own if score is None else score, mask) if mask.any() else None

    def salient(self, picture: Picture, rect: tuple[int, int, int, int]) -> NDArray[np.float32]:
        """Saliency in a box and its margin, 0 to 1, on the picture's grid; 0 elsewhere."""
        x0, y0, x1, y1 = rect
        height, width = picture.shape[:2]
        dx, dy = round((x1 - x0) * MARGIN), round((y1 - y0) * MARGIN)
        around = (slice(max(0, y0 - dy), min(height, y1 + dy)), slice(max(0, x0 - dx), min(width, x1 + dx)))
        crop = picture[around]
        small = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), (SALIENCY_SIDE, SALIENCY_SIDE)).astype(np.float32)
        normal = (small / max(1.0, float(small.max())) - MEAN) / DEVIATION
        net = self.saliency_net()
        net.setInput(np.ascontiguousarray(normal.transpose(2, 0, 1)[None], dtype=np.float32))
        raw = net.forward(net.getUnconnectedOutLayersNames()[0])[0, 0]
        spread = float(raw.max() - raw.min())
        values = (raw - raw.min()) / spread if spread > 1e-6 else np.zeros_like(raw)
        full = np.zeros((height, width), np.float32)
        full[around] = cv2.resize(values, (crop.shape[1], crop.shape[0]))
        return full

    def under_points(self, picture: Picture, points: Sequence[tuple[float, float, bool]]) -> list[Instance]:
        mask = grabcut_points(picture, points)
        return [Instance("object", GRABCUT_SCORE, mask)] if mask.any() else []

    def detections(self, picture: Picture) -> list[Detection]:
        """Detections of a picture, best first; the last few pictures are remembered."""
        key = hashlib.blake2b(picture.tobytes(), digest_size=16).digest()
        if key not in self.seen:
            if self.detector is None:
                self.detector = Detector(self.model("detector.pb"), self.model("detector.pbtxt"))
            self.seen[key] = self.detector.find(picture)
        self.seen.move_to_end(key)
        while len(self.seen) > REMEMBERED_PICTURES:
            self.seen.popitem(last=False)
        return self.seen[key]

    def saliency_net(self) -> cv2.dnn.Net:
        if self.saliency is None:
            self.saliency = cv2.dnn.readNetFromONNX(str(self.model("saliency.onnx")))
        return self.saliency

    def model(self, name: str) -> pathlib.Path:
        """A model file, checked."""
        path = self.folder / name
        fix = f"fetch it with services/inference/engine/fetch.py {self.folder} (inference.models)"
        if not path.is_file():
            raise Refusal("precondition", f"model file {path} is not there; {fix}")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != LOCK[name]["sha256"]:
            raise Refusal("precondition", f"model file {path} is damaged (sha256 {digest[:12]}...); {fix}")
        return path


def grabcut_box(picture: Picture, rect: tuple[int, int, int, int]) -> Bools:
    x0, y0, x1, y1 = rect
    labels = np.full(picture.shape[:2], cv2.GC_BGD, np.uint8)
    labels[y0:y1, x0:x1] = cv2.GC_PR_FGD
    return grabcut(picture, labels)


def grabcut_points(picture: Picture, points: Sequence[tuple[float, float, bool]]) -> Bools:
    """What looks like the foreground points and is connected to one of them."""
    height, width = picture.shape[:2]
    labels = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    near, sure = max(4, round(0.15 * min(height, width))), max(2, round(0.01 * min(height, width)))
    at = [((round(x), round(y)), on) for x, y, on in points]
    for centre, on in at:
        if on:
            cv2.circle(labels, centre, near, cv2.GC_PR_FGD, -1)
    for centre, on in at:
        cv2.circle(labels, centre, sure, cv2.GC_FGD if on else cv2.GC_BGD, -1)
    mask = grabcut(picture, labels)
    _, parts = cv2.connectedComponents(mask.astype(np.uint8))
    inside = [(x, y) for (x, y), on in at if on and 0 <= x < width and 0 <= y < height]
    wanted = {int(parts[y, x]) for x, y in inside} - {0}
    return np.isin(parts, list(wanted))


def grabcut(picture: Picture, labels: NDArray[np.uint8]) -> Bools:
    """GrabCut at a size it is fast at; deterministic."""
    height, width = labels.shape
    scale = min(1.0, GRABCUT_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    seeds = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    foreground = np.isin(seeds, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if not foreground.any() or foreground.all():
        return np.asarray(cv2.resize(foreground.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0)
    cv2.setRNGSeed(0)
    # With a mask to begin from, the rectangle is not looked at.
    background, foreground_model = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small, seeds, (0, 0, 1, 1), background, foreground_model, GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = np.isin(seeds, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    return np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_NEAREST) > 0)
