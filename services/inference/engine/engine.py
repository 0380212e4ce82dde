"""The `cpu` engine: OpenCV in a process of its own.

Started by the pod with one end of a socket as file descriptor 0. Each message,
either way, is a little-endian u32 length, a JSON object of that length, and
the blobs whose lengths the object lists under `blobs`. One request at a time;
the first message out is `hello`. The process ends when the socket does.

    {"op": "stereo", "width", "fx", "baseline", "doffs"} + left, right picture
        -> {"width", "height"}                        + depth, confidence of the left, then of the right
    {"op": "concept", "prompts", "threshold", "most"} + picture
        -> {"width", "height", "concepts": [{"presence", "note", "instances": [...]}]} + a mask each
    {"op": "box", "rect"} | {"op": "points", "points"} + picture
        -> {"width", "height", "instances": [...]}    + a mask each
    any -> {"error": {"kind": "invalid" | "precondition" | "internal", "message"}}
"""

import json
import os
import pathlib
import socket
import struct
import sys
import traceback
from typing import Any

import cv2

from pictures import Refusal, decode
from segment import Segmenter
from stereo import both_depths

MAX_HEADER = 1 << 20
MAX_BLOB = 1 << 27

Message = tuple[dict[str, Any], list[bytes]]


def main() -> None:
    pipe = socket.socket(fileno=os.dup(0))
    cv2.setNumThreads(int(sys.argv[2]))
    segmenter = Segmenter(pathlib.Path(sys.argv[1]))
    send(pipe, {"hello": cv2.__version__, "problems": segmenter.problems()}, [])
    while (message := receive(pipe)) is not None:
        send(pipe, *answer(segmenter, *message))


def answer(segmenter: Segmenter, header: dict[str, Any], blobs: list[bytes]) -> Message:
    try:
        return OPS[header["op"]](segmenter, header, blobs)
    except Refusal as refusal:
        return {"error": {"kind": refusal.kind, "message": str(refusal)}}, []
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        return {"error": {"kind": "internal", "message": f"the cpu engine failed: {error!r}"}}, []


def stereo(_: Segmenter, header: dict[str, Any], blobs: list[bytes]) -> Message:
    left, right = (decode(blob, color=False) for blob in blobs)
    views = both_depths(left, right, header["fx"], header["baseline"], header["doffs"], header["width"])
    height, width = views[0][0].shape
    arrays = [array.astype("<f4").tobytes() for view in views for array in view]
    return {"width": width, "height": height}, arrays


def concept(segmenter: Segmenter, header: dict[str, Any], blobs: list[bytes]) -> Message:
    picture = decode(blobs[0])
    found = [segmenter.concept(picture, text, header["threshold"], header["most"]) for text in header["prompts"]]
    height, width = picture.shape[:2]
    concepts = [
        {"presence": one.presence, "note": one.note, "instances": [i.header() for i in one.instances]} for one in found
    ]
    masks = [instance.bits() for one in found for instance in one.instances]
    return {"width": width, "height": height, "concepts": concepts}, masks


def box(segmenter: Segmenter, header: dict[str, Any], blobs: list[bytes]) -> Message:
    picture, scale = shrunk(blobs[0], header)
    return picked(picture, segmenter.in_box(picture, [(v + 0.5) * scale - 0.5 for v in header["rect"]]))


def points(segmenter: Segmenter, header: dict[str, Any], blobs: list[bytes]) -> Message:
    picture, scale = shrunk(blobs[0], header)
    at = [((x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5, on) for x, y, on in header["points"]]
    return picked(picture, segmenter.under_points(picture, at))


def shrunk(blob: bytes, header: dict[str, Any]) -> tuple[Any, float]:
    picture = decode(blob)
    return picture, picture.shape[1] / header["width"]


def picked(picture: Any, instances: list[Any]) -> Message:
    height, width = picture.shape[:2]
    headers = [instance.header() for instance in instances]
    return {"width": width, "height": height, "instances": headers}, [i.bits() for i in instances]


OPS = {"stereo": stereo, "concept": concept, "box": box, "points": points}


def send(pipe: socket.socket, header: dict[str, Any], blobs: list[bytes]) -> None:
    text = json.dumps({**header, "blobs": [len(blob) for blob in blobs]}, allow_nan=False).encode()
    pipe.sendall(struct.pack("<I", len(text)) + text)
    for blob in blobs:
        pipe.sendall(blob)


def receive(pipe: socket.socket) -> Message | None:
    """The next request; none when the pod has closed the socket."""
    size = exactly(pipe, 4)
    if size is None:
        return None
    length = struct.unpack("<I", size)[0]
    if length > MAX_HEADER:
        raise SystemExit(f"a header of {length} bytes")
    text = exactly(pipe, length)
    if text is None:
        return None
    header = json.loads(text)
    blobs = [exactly(pipe, size) for size in header["blobs"] if 0 <= size <= MAX_BLOB]
    complete = [blob for blob in blobs if blob is not None]
    return (header, complete) if len(complete) == len(header["blobs"]) else None


def exactly(pipe: socket.socket, size: int) -> bytes | None:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = pipe.recv_into(view)
        if count == 0:
            return None
        view = view[count:]
    return bytes(data)


if __name__ == "__main__":
    main()
