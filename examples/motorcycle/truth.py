"""Draws `left.ids.png` from polygons made by hand and writes `questions.jsonl` with answers from the laser.

    python examples/motorcycle/truth.py

Needs the fetched pair. The truth of "the median depth of X" is the median, over the pixels of X's polygons
that have a laser reading, of fx * baseline / (disparity + doffs).
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent
FX, CX, CY = 994.978, 311.193, 254.877
BASELINE_M, DOFFS_PX = 0.193001, 31.086

# Pixels of the left picture. Later shapes cover earlier ones; 0 cuts a hole.
SHAPES = (
    (2, "polygon", [(47, 119), (279, 108), (280, 121), (50, 133)]),
    (2, "polygon", [(53, 188), (138, 182), (138, 197), (55, 204)]),
    (2, "polygon", [(272, 109), (281, 108), (284, 190), (275, 184)]),
    (3, "polygon", [(528, 33), (588, 29), (591, 91), (530, 97)]),
    (4, "polygon", [(616, 190), (685, 181), (681, 284), (612, 275)]),
    (1, "ellipse", [(121, 238), (284, 402)]),
    (0, "ellipse", [(150, 268), (256, 372)]),
    (1, "polygon", [(176, 304), (206, 298), (330, 352), (322, 368), (176, 327)]),
    (1, "polygon", [(152, 166), (182, 160), (258, 192), (318, 200), (348, 188), (357, 200), (330, 224), (262, 262), (226, 238), (160, 208)]),
    (1, "polygon", [(110, 246), (128, 220), (166, 208), (226, 238), (262, 262), (328, 238), (376, 198), (432, 168), (478, 172), (484, 204),
                    (466, 238), (352, 248), (264, 282), (208, 244), (160, 232)]),
    (1, "polygon", [(284, 284), (352, 250), (470, 240), (476, 300), (462, 340), (400, 376), (330, 358), (312, 336)]),
    (1, "polygon", [(510, 330), (532, 278), (580, 264), (622, 282), (643, 306), (624, 314), (556, 300)]),
    (1, "polygon", [(556, 304), (640, 318), (676, 370), (684, 412), (672, 444), (640, 454), (590, 440), (540, 394), (516, 340), (532, 304)]),
    (0, "polygon", [(612, 318), (636, 344), (650, 400), (636, 416), (610, 408), (604, 360)]),
    (1, "polygon", [(484, 188), (504, 186), (592, 376), (576, 388), (560, 376)]),
    (1, "ellipse", [(500, 121), (560, 189)]),
    (1, "polygon", [(470, 128), (514, 96), (532, 118), (504, 146), (480, 148)]),
)
LABELS = {"1": "motorcycle", "2": "bench", "3": "upper cardboard box", "4": "lower cardboard box"}


def draw():
    ids = Image.new("L", (741, 500), 0)
    pen = ImageDraw.Draw(ids)
    for number, kind, points in SHAPES:
        getattr(pen, kind)(points, fill=number)
    return ids


def depth():
    """Metres along the camera's axis, NaN where the laser saw nothing."""
    disparity = np.load(HERE / "motorcycle_disp.npz")["arr_0"].astype(float)
    return np.where(np.isfinite(disparity), FX * BASELINE_M / (disparity + DOFFS_PX), np.nan)


def rows(ids, z):
    middle = {label: round(float(np.nanmedian(z[ids == int(i)])), 4) for i, label in LABELS.items()}
    median = "What is the median depth of the {}, in metres?"
    yield "motorcycle-01", False, _number(median.format("motorcycle"), middle["motorcycle"])
    for at, label in enumerate(LABELS.values()):
        yield f"motorcycle-{at + 2:02}", True, _number(median.format(label), middle[label])
    yield "motorcycle-06", True, {"question": "Is the motorcycle in front of or behind the bench?", "answer": ["in front", "in front of"]}
    yield "motorcycle-07", True, {
        "question": "Is the lower cardboard box to the left or to the right of the bench?", "answer": ["right", "to the right"]}


def _number(text, value):
    return {"question": text, "answer_type": "number", "unit": "m", "answer": value, "tolerance": {"relative": 0.05}}


def main():
    ids = draw()
    ids.save(HERE / "left.ids.png", optimize=True)
    left = {"image": "motorcycle_left.png", "index": 0, "intrinsics": {"fx": FX, "fy": FX, "cx": CX, "cy": CY}}
    right = {"image": "motorcycle_right.png", "index": 1}
    stereo = {"left": 0, "right": 1, "baseline_m": BASELINE_M, "doffs_px": DOFFS_PX}
    lines = []
    for name, masked, told in rows(np.array(ids), depth()):
        first = left | ({"masks": {"file": "left.ids.png", "labels": LABELS}} if masked else {})
        lines.append(json.dumps({"id": name, "question": told.pop("question"), "frames": [first, right], "stereo": stereo} | told))
    (HERE / "questions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
