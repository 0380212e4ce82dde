"""The families of questions: how each is worded, and its true answer with the room it leaves for doubt.

A family is a function of `Facts` and names that returns a row's `question`, `answer_type`, `answer` and
so on. It raises ValueError where the answer would be a matter of taste.
"""

import numpy as np

WITHIN = {"relative": 0.02}


def _number(text, value, unit="m", tolerance=None):
    return {"question": text, "answer_type": "number", "unit": unit, "answer": round(float(value), 4),
            "tolerance": tolerance or WITHIN}


def _text(text, *answers):
    return {"question": text, "answer": list(answers) if len(answers) > 1 else answers[0]}


def _named(text, name):
    return _text(text, name, f"the {name}")


def _listed(names, last):
    return ", ".join(f"the {n}" for n in names[:-1]) + f" {last} the {names[-1]}"


def _apart(values, ratio, what):
    values = sorted(values)
    if any(b < a * ratio for a, b in zip(values, values[1:])):
        raise ValueError(f"{what} is too close to call: {np.round(values, 2)}")


def distance(facts, a, b):
    return _number(f"What is the distance between the {a} and the {b}, from their closest points, in metres?", facts.distance(a, b))


def far(facts, a):
    return _number(f"How far is the {a} from the camera, in metres?", facts.range(a))


def far_in(facts, a, frame):
    return _number(f"How far is the {a} from the camera in frame {frame}, in metres?", facts.range(a, frame))


def count(facts, name, plural=None):
    text = f"How many {plural or name + 's'} are there?"
    return {"question": text, "answer_type": "integer", "answer": facts.count(name)}


def _by_range(facts, names):
    """From nearest to farthest, by the closest point and by the middle alike."""
    eye = facts.scene.camera(facts.first).position
    near = {n: facts.range(n) for n in names}
    middle = {n: float(np.linalg.norm(facts.centre(n, facts.first) - eye)) for n in names}
    _apart(near.values(), 1.12, f"the order of {names}")
    order = sorted(names, key=near.get)
    if order != sorted(names, key=middle.get):
        raise ValueError(f"{names} are ordered differently by their middles")
    return order


def nearest(facts, *names):
    return _named(f"Which is nearest to the camera: {_listed(names, 'or')}?", _by_range(facts, names)[0])


def farthest(facts, *names):
    return _named(f"Which is farthest from the camera: {_listed(names, 'or')}?", _by_range(facts, names)[-1])


def order(facts, *names):
    found = _by_range(facts, names)
    return _text(f"List {_listed(names, 'and')} from nearest to farthest.", ", ".join(found), ", ".join(f"the {n}" for n in found))


def closest_to(facts, a, *names):
    gap = {n: facts.distance(a, n) for n in names}
    middle = {n: float(np.linalg.norm(facts.centre(a) - facts.centre(n))) for n in names}
    best = min(names, key=gap.get)
    _apart(sorted(gap.values())[:2], 1.3, f"what is closest to the {a}")
    _apart(sorted(middle.values())[:2], 1.15, f"what is closest to the {a}")
    if best != min(names, key=middle.get):
        raise ValueError(f"what is closest to the {a} depends on how one measures")
    return _named(f"Which object is closest to the {a}: {_listed(names, 'or')}?", best)


def left_right(facts, a, b):
    gap = facts.column(a) - facts.column(b)
    if abs(gap) < 0.08 * facts.scene.camera(facts.first).width:
        raise ValueError(f"the {a} and the {b} stand one behind the other")
    word = "left" if gap < 0 else "right"
    return _text(f"Is the {a} to the left or to the right of the {b}?", word, f"to the {word}")


def side(facts, standing, facing, asked):
    word = facts.side(standing, facing, asked)
    text = f"Standing at the {standing} and facing the {facing}, is the {asked} to my left, right, in front or behind?"
    return _text(text, word, *([f"to my {word}", f"to your {word}"] if word in ("left", "right") else [f"{word} of me"][: word == "in front"]))


def above_below(facts, a, b):
    spans = [(lambda z: (z.min(), z.max()))(facts.cloud(n)[:, 2]) for n in (a, b)]
    if spans[0][0] > spans[1][1] - 0.02:
        word = "above"
    elif spans[1][0] > spans[0][1] - 0.02:
        word = "below"
    else:
        raise ValueError(f"the {a} and the {b} reach the same height")
    return _text(f"Is the {a} above or below the {b}?", word)


def front_behind(facts, a, b):
    first = _by_range(facts, (a, b))[0]
    return _text(f"Is the {a} in front of or behind the {b}?", *(("in front", "in front of") if first == a else ("behind",)))


def closer(facts, a, b):
    answer = "yes" if _by_range(facts, (a, b))[0] == a else "no"
    return {"question": f"Is the {a} closer to the camera than the {b}?", "answer_type": "yes_no", "answer": answer}


def tall(facts, a):
    return _number(f"How tall is the {a}, in metres?", facts.tall(a))


def long(facts, a):
    return _number(f"How long is the {a}, in metres?", facts.long(a))


def wide(facts, a):
    return _number(f"How wide is the {a}, in metres?", facts.wide(a))


def high(facts, a):
    return _number(f"How high above the floor is the {a}, in metres?", facts.lowest(a))


def camera_high(facts):
    return _number("How high above the floor is the camera, in metres?", facts.scene.camera(facts.first).position[2])


def taller(facts, a, b):
    sizes = {a: facts.tall(a), b: facts.tall(b)}
    _apart(sizes.values(), 1.1, f"which of {a} and {b} is taller")
    return _named(f"Which is taller: the {a} or the {b}?", max(sizes, key=sizes.get))


def exists(facts, a):
    answer = "yes" if facts.numbers(a) and facts.count(a) else "no"
    return {"question": f"Is there {'an' if a[0] in 'aeiou' else 'a'} {a}?", "answer_type": "yes_no", "answer": answer}


def angle(facts, a, corner, b):
    """Between the middles of what is seen."""
    arms = [facts.centre(n) - facts.centre(corner) for n in (a, b)]
    cosine = arms[0] @ arms[1] / np.linalg.norm(arms[0]) / np.linalg.norm(arms[1])
    text = f"What is the angle between the {a}, the {corner} and the {b} at the {corner}, in degrees?"
    return _number(text, np.degrees(np.arccos(cosine)), "degrees")


def moved(facts, a, first, last):
    return _number(f"How far did the {a} move between frame {first} and frame {last}, in metres?", facts.moved(a, first, last))


def camera_moved(facts):
    return _number("How far did the camera move between the first and the last frame, in metres?", facts.camera_moved())


def camera_turned(facts):
    return _number("How many degrees did the camera turn between the first and the last frame?", facts.camera_turned(), "degrees")


def camera_way(facts):
    share = facts.camera_ahead()
    if abs(share) < 0.8:
        raise ValueError("the camera moved sideways")
    return _text("Did the camera move forward or backward between the first and the last frame?", "forward" if share > 0 else "backward")


def median_depth(facts, a):
    return _number(f"What is the median depth of the {a}, in metres?", facts.median_depth(a))


def choose(row, options):
    """The same question with options; the answer is the letter of the only one that is right."""
    right = row["answer"] if isinstance(row["answer"], list) else [row["answer"]]
    fits = [i for i, option in enumerate(options) if option in right or _near(option, row)]
    if len(fits) != 1:
        raise ValueError(f"{len(fits)} of the options {options} are right")
    return {"question": row["question"], "options": list(options), "answer": "ABCDEFGH"[fits[0]]}


def _near(option, row):
    """Whether a number stands out among the options: within 6 % of the truth."""
    if row.get("answer_type") not in ("number", "integer"):
        return False
    return abs(float(option.split()[0]) - row["answer"]) <= 0.06 * row["answer"]
