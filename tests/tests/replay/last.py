import hashlib, types, collections
from PIL import Image as _Image
from spatialclaw.frames import PerFrame as _PerFrame

def _told(value, depth=6):
    kind = type(value).__name__
    if depth == 0:
        return kind
    inner = lambda it: _told(it, depth - 1)
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return f"{kind}:{value!r}"
    if isinstance(value, (float, np.floating)):
        return f"{kind}:{float(value).hex()}"
    if isinstance(value, np.generic):
        return f"{kind}:{value!r}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}:{hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]}"
    if isinstance(value, (list, tuple)):
        return f"{kind}[{', '.join(map(inner, value))}]"
    if isinstance(value, dict):
        return f"{kind}{{{', '.join(f'{inner(k)}: {inner(v)}' for k, v in value.items())}}}"
    if isinstance(value, (set, frozenset)):
        return f"{kind}({', '.join(map(inner, value))})"
    if isinstance(value, types.FunctionType):
        cells = [inner(cell.cell_contents) for cell in value.__closure__ or ()]
        return f"def {value.__qualname__} {value.__code__.co_code.hex()[:40]} {cells} {inner(value.__defaults__)}"
    if isinstance(value, np.random.Generator):
        return f"{kind}:{value.bit_generator.state}"
    if isinstance(value, np.random.RandomState):
        return f"{kind}:{inner(value.get_state())}"
    if isinstance(value, random.Random):
        return f"{kind}:{hashlib.sha256(repr(value.getstate()).encode()).hexdigest()[:16]}"
    if isinstance(value, _Image.Image):
        return f"{kind}:{value.size}:{hashlib.sha256(value.tobytes()).hexdigest()[:16]}"
    if isinstance(value, _PerFrame):
        arrays = {k: v for k, v in vars(value).items() if isinstance(v, (np.ndarray, _PerFrame, list, str, float))}
        return f"{kind} {inner(arrays)}"
    if isinstance(value, type):
        own = {k: v for k, v in vars(value).items() if not k.startswith("__")}
        return f"class {value.__qualname__} {inner(own)}"
    if kind == "range_iterator":
        import copy
        return f"{kind}:{list(copy.copy(value))}"
    if hasattr(value, "__dict__"):
        return f"{kind} {inner(vars(value))}"
    return kind

_lines = [
    f"{_name} = {_told(_value)}"
    for _name, _value in sorted(globals().items())
    if not _name.startswith("_") and not isinstance(_value, types.ModuleType)
    and _name not in ("tools", "vlm", "Metadata", "InputImages", "show", "ReturnAnswer", "RefImages")
]
_lines += [f"{_file}: {open(_file).read()!r}" for _file in sorted(os.listdir(".")) if os.path.isfile(_file)]
_lines += [f"next: {random.random()} {np.random.rand()} {np.random.default_rng().random()} {random.Random().random()}"]
_lines += [f"figures: {plt.get_fignums()}"]
print("\n".join(_line[:2000] for _line in _lines))
ReturnAnswer(hashlib.sha256("\n".join(_lines).encode()).hexdigest())
