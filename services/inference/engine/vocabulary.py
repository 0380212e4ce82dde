"""From what somebody calls a thing to the COCO class the detector knows."""

import difflib
import re

# Ids of the 2018 TensorFlow object detection zoo.
NAMES = {
    1: "person", 2: "bicycle", 3: "car", 4: "motorcycle", 5: "airplane", 6: "bus", 7: "train", 8: "truck", 9: "boat",
    10: "traffic light", 11: "fire hydrant", 13: "stop sign", 14: "parking meter", 15: "bench", 16: "bird", 17: "cat",
    18: "dog", 19: "horse", 20: "sheep", 21: "cow", 22: "elephant", 23: "bear", 24: "zebra", 25: "giraffe",
    27: "backpack", 28: "umbrella", 31: "handbag", 32: "tie", 33: "suitcase", 34: "frisbee", 35: "skis",
    36: "snowboard", 37: "sports ball", 38: "kite", 39: "baseball bat", 40: "baseball glove", 41: "skateboard",
    42: "surfboard", 43: "tennis racket", 44: "bottle", 46: "wine glass", 47: "cup", 48: "fork", 49: "knife",
    50: "spoon", 51: "bowl", 52: "banana", 53: "apple", 54: "sandwich", 55: "orange", 56: "broccoli", 57: "carrot",
    58: "hot dog", 59: "pizza", 60: "donut", 61: "cake", 62: "chair", 63: "couch", 64: "potted plant", 65: "bed",
    67: "dining table", 70: "toilet", 72: "tv", 73: "laptop", 74: "mouse", 75: "remote", 76: "keyboard",
    77: "cell phone", 78: "microwave", 79: "oven", 80: "toaster", 81: "sink", 82: "refrigerator", 84: "book",
    85: "clock", 86: "vase", 87: "scissors", 88: "teddy bear", 89: "hair drier", 90: "toothbrush",
}  # fmt: skip

SYNONYMS = {
    "people": "person", "man": "person", "men": "person", "woman": "person", "women": "person", "child": "person",
    "children": "person", "kid": "person", "boy": "person", "girl": "person", "human": "person",
    "pedestrian": "person", "rider": "person", "player": "person", "astronaut": "person",
    "bike": "bicycle", "cycle": "bicycle", "motorbike": "motorcycle", "motor bike": "motorcycle",
    "scooter": "motorcycle", "moped": "motorcycle", "automobile": "car", "sedan": "car", "suv": "car", "taxi": "car",
    "vehicle": "car", "plane": "airplane", "aeroplane": "airplane", "aircraft": "airplane", "jet": "airplane",
    "lorry": "truck", "pickup": "truck", "van": "truck", "ship": "boat", "hydrant": "fire hydrant",
    "stoplight": "traffic light", "puppy": "dog", "kitten": "cat", "pony": "horse", "bull": "cow", "cattle": "cow",
    "rucksack": "backpack", "purse": "handbag", "bag": "handbag", "luggage": "suitcase", "necktie": "tie",
    "ball": "sports ball", "football": "sports ball", "basketball": "sports ball", "bat": "baseball bat",
    "racket": "tennis racket", "racquet": "tennis racket", "glass": "wine glass", "goblet": "wine glass",
    "mug": "cup", "coffee cup": "cup", "coffee mug": "cup", "teacup": "cup", "flask": "bottle", "dish": "bowl",
    "hotdog": "hot dog", "doughnut": "donut", "sofa": "couch", "settee": "couch", "loveseat": "couch",
    "armchair": "chair", "seat": "chair", "stool": "chair", "plant": "potted plant", "houseplant": "potted plant",
    "flowerpot": "potted plant", "flower pot": "potted plant", "table": "dining table", "desk": "dining table",
    "television": "tv", "screen": "tv", "monitor": "tv", "computer": "laptop", "notebook": "laptop",
    "computer mouse": "mouse", "remote control": "remote", "phone": "cell phone", "mobile": "cell phone",
    "mobile phone": "cell phone", "cellphone": "cell phone", "smartphone": "cell phone", "stove": "oven",
    "cooker": "oven", "basin": "sink", "washbasin": "sink", "fridge": "refrigerator", "watch": "clock",
    "teddy": "teddy bear", "plush": "teddy bear", "hair dryer": "hair drier", "hairdryer": "hair drier",
}  # fmt: skip

ANYTHING = {"object", "thing", "item", "everything"}
BY_NAME = {name: number for number, name in NAMES.items()}


def meant(text: str) -> set[int]:
    """The classes that `text` means; empty if it means none. Adjectives before the noun are ignored."""
    words = [word for word in re.split(r"[\W_]+", text.lower()) if word not in ("", "a", "an", "the")]
    for start in range(len(words)):
        for phrase in spellings(" ".join(words[start:])):
            if phrase in ANYTHING:
                return set(NAMES)
            if number := BY_NAME.get(SYNONYMS.get(phrase, phrase)):
                return {number}
    return set()


def spellings(phrase: str) -> list[str]:
    """The phrase, and what it may be the plural of."""
    found = [phrase]
    for ending, singular in (("ives", "ife"), ("ves", "f"), ("ies", "y"), ("es", ""), ("s", "")):
        if phrase.endswith(ending):
            found.append(phrase.removesuffix(ending) + singular)
    return found


def unknown(text: str) -> str:
    """What to say of a text that means no class."""
    known = sorted({*BY_NAME, *SYNONYMS})
    near = difflib.get_close_matches(text.lower(), known, n=5, cutoff=0.5)
    hint = f"near words: {', '.join(near)}" if near else f"it knows, for example: {', '.join(sorted(BY_NAME)[::12])}"
    return (
        f"`{text}` is not in the vocabulary of this pod's detector (80 everyday objects); {hint}. "
        "A box or a point works for anything"
    )
