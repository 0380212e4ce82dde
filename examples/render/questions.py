"""Which questions are asked about the scenes, and the manifest that holds them."""

import json

import families as ask
from stage import SCENES
from truth import facts

OFFICE = range(6)
WALK = range(8)
ROLL = range(7)

# (scene, frames, family, names), or with options or another wording at the end.
ASKED = (
    ("living", [0], ask.distance, ("sofa", "coffee table")),
    ("living", [0], ask.distance, ("floor lamp", "bookshelf"), {"question": "How far apart are the floor lamp and the bookshelf, in metres?"}),
    ("living", [0], ask.far, ("armchair",)),
    ("living", [0], ask.nearest, ("floor lamp", "coffee table", "bookshelf")),
    ("living", [0], ask.left_right, ("mug", "vase")),
    ("living", [0], ask.tall, ("floor lamp",)),
    ("living", [0], ask.tall, ("bookshelf",)),
    ("living", [0], ask.long, ("coffee table",)),
    ("living", [0], ask.closest_to, ("vase", "sofa", "mug", "floor lamp"), {"options": ("sofa", "mug", "floor lamp")}),
    ("living", [0], ask.side, ("coffee table", "sofa", "armchair")),
    ("living", [0], ask.taller, ("floor lamp", "bookshelf")),
    ("living", [0], ask.exists, ("lamp",)),
    ("living", [0], ask.median_depth, ("sofa",)),
    ("kitchen", [0], ask.count, ("mug",)),
    ("kitchen", [0], ask.count, ("chair",), {"options": ("1", "2", "3", "4")}),
    ("kitchen", [0], ask.distance, ("red mug", "white mug")),
    ("kitchen", [0], ask.order, ("fridge", "red mug", "yellow chair")),
    ("kitchen", [0], ask.closest_to, ("fruit bowl", "red mug", "bottle", "white mug")),
    ("kitchen", [0], ask.closer, ("yellow chair", "table")),
    ("kitchen", [0], ask.front_behind, ("yellow chair", "red mug")),
    ("kitchen", [0], ask.tall, ("cabinet",)),
    ("kitchen", [0], ask.high, ("red mug",)),
    ("kitchen", [0], ask.exists, ("bicycle",)),
    ("kitchen", [0], ask.above_below, ("plant", "cabinet")),
    ("office", OFFICE, ask.count, ("chair",)),
    ("office", OFFICE, ask.distance, ("red chair", "yellow chair")),
    ("office", OFFICE, ask.distance, ("green chair", "yellow chair"), {"options": ("0.4 m", "0.7 m", "1.1 m", "1.6 m")}),
    ("office", OFFICE, ask.tall, ("bookshelf",)),
    ("office", OFFICE, ask.wide, ("round table",)),
    ("office", OFFICE, ask.side, ("round table", "bookshelf", "green chair")),
    ("office", OFFICE, ask.closest_to, ("bin", "red chair", "round table", "white desk")),
    ("office", [0], ask.nearest, ("green chair", "red chair", "plant")),
    ("office", OFFICE, ask.camera_moved, ()),
    ("office", OFFICE, ask.camera_turned, ()),
    ("corridor", WALK, ask.camera_moved, ()),
    ("corridor", WALK, ask.camera_turned, ()),
    ("corridor", [0], ask.camera_high, ()),
    ("corridor", range(4), ask.camera_way, ()),
    ("corridor", WALK, ask.count, ("door",)),
    ("corridor", WALK, ask.far_in, ("yellow door", 7)),
    ("corridor", [6, 7], ask.distance, ("stool", "cabinet")),
    ("corridor", [0], ask.left_right, ("fire extinguisher", "bench")),
    ("corridor", [6, 7], ask.tall, ("yellow door",)),
    ("playroom", ROLL, ask.moved, ("ball", 0, 6)),
    ("playroom", ROLL, ask.moved, ("ball", 1, 4)),
    ("playroom", ROLL, ask.far_in, ("ball", 5)),
    ("playroom", [6], ask.closer, ("ball", "toy truck")),
    ("playroom", [0], ask.distance, ("teddy bear", "toy truck")),
    ("playroom", [0], ask.farthest, ("stool", "toy truck", "teddy bear")),
    ("playroom", [0], ask.angle, ("stool", "teddy bear", "toy truck")),
    ("playroom", [0], ask.above_below, ("table lamp", "rug")),
    ("shop", [0, 1], ask.count, ("bottle",)),
    ("shop", [0, 1], ask.count, ("can",)),
    ("shop", [0], ask.count, ("carton",), {"question": "What is the number of cartons?"}),
    ("shop", [0, 1], ask.above_below, ("teapot", "toy truck")),
    ("shop", [0, 1], ask.above_below, ("melon", "teddy bear")),
    ("shop", [0, 1], ask.distance, ("bucket", "melon"), {"question": "How many metres apart are the bucket and the melon?"}),
    ("shop", [0, 1], ask.distance, ("teapot", "vase")),
    ("shop", [0], ask.left_right, ("toy truck", "melon"), {"options": ("left", "right")}),
    ("shop", [0], ask.side, ("step stool", "plant", "vase"), {"question": "If I stand at the step stool and face the plant, is the vase to my left, right, in front or behind?"}),
)


def rows():
    """Every question as a manifest row."""
    numbered = {}
    for scene, frames, family, names, *more in ASKED:
        numbered[scene] = numbered.get(scene, 0) + 1
        yield row(f"{scene}-{numbered[scene]:02}", SCENES[scene], frames, family, names, *more)


def row(name, scene, frames, family, names, more=None):
    """One row, its truth worked out from the scene's geometry."""
    more = dict(more or {})
    told = family(facts(scene, tuple(frames)), *names)
    if "options" in more:
        told = ask.choose(told, more.pop("options"))
    told.update(more)
    head = {"id": name, "question": told.pop("question"), "frames": [scene.row_frame(f) for f in frames]}
    if scene.world_up():
        head["world_up"] = scene.world_up()
    return head | told


def write(path):
    """Writes the manifest, returns how many rows it has."""
    lines = [json.dumps(line, ensure_ascii=False) for line in rows()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)
