"""Runs cells from stdin, one JSON object a line, in the namespace that cells see, over a room of known measures.

In:  {"code": …}            Out: {"output": …, "error": "Kind: message" or null, "answer": … or null}
     {"room": name}         begins anew in that room; nothing is printed
"""

import contextlib
import io
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3] / "python"
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from scene import Box, Opening, Room, Shot  # noqa: E402

from spatialclaw import _cell, _namespace  # noqa: E402
from spatialclaw._bridge import Bridge  # noqa: E402
from spatialclaw._inputs import inputs  # noqa: E402

SIZE = (320, 240)
CHAIR = Box(1, "red chair", (0.6, 0.4, -3.0), (0.5, 0.8, 0.5))
TABLE = Box(2, "table", (-1.0, 0.4, -4.0), (1.0, 0.8, 0.6))
OTHER = Box(3, "blue chair", (1.4, 0.4, -3.6), (0.4, 0.8, 0.4))
SHELF = Box(4, "shelf", (-0.6, 0.9, -5.5), (0.8, 1.8, 0.4))
STOOLS = [Box(5, "stool", (0.2, 0.25, -2.4), (0.3, 0.5, 0.3)), Box(6, "stool", (-0.4, 0.25, -2.6), (0.3, 0.5, 0.3))]
FURNITURE = [CHAIR, TABLE, OTHER, SHELF, *STOOLS]


def shots(count, step):
    return [Shot(10 * at, SIZE, tuple(1.0 * at * s + c for s, c in zip(step, (0, 1.5, 0)))) for at in range(count)]


def ball(at):
    return Box(7, "ball", (-0.8 + at, 0.2, -3.2), (0.4, 0.4, 0.4))


class Photo(Room):
    """A room without depth, in which a sofa is known as a couch."""

    def reconstruct(self, frames, width, height):
        raise RuntimeError("no depth engine takes a single photograph")


ROOMS = {
    "walk": lambda: Room(shots(3, (0.3, 0, -0.2)), FURNITURE),
    "still": lambda: Room(shots(1, (0, 0, 0)), FURNITURE),
    "photo": lambda: Photo(shots(1, (0, 0, 0)), [*FURNITURE, Box(8, "couch", (1.9, 0.3, -4.5), (0.6, 0.6, 0.6))]),
    "ball": lambda: Room(
        shots(2, (0.2, 0, 0)), [TABLE, ball(0)], moved={0: [TABLE, ball(0)], 10: [TABLE, ball(1.2)]}
    ),
}


def main():
    names, room, step = {}, None, 0
    for line in sys.stdin:
        message = json.loads(line)
        if "room" in message:
            room, step = ROOMS[message["room"]](), 0
            names = _namespace.build(inputs(Opening(room.shots), Bridge(room)))
            continue
        step += 1
        answers, output = len(room.answers), io.StringIO()
        with contextlib.redirect_stdout(output):
            failure = _cell.run(message["code"], step, names, _cell.Interrupts())
        reply = {
            "output": output.getvalue(),
            "error": f"{failure.kind}: {failure.message}" if failure else None,
            "answer": room.answers[-1][0] if len(room.answers) > answers else None,
        }
        print(json.dumps(reply), flush=True)


main()
