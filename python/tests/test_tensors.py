"""Arrays that arrive as memory files."""

from __future__ import annotations

import numpy as np
import pytest
from scene import memory_file, safetensors

from spatialclaw._tensors import map_descriptor, view


def test_arrays_are_viewed_in_place_and_may_be_written() -> None:
    depth = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    content = safetensors({"depth": depth, "none": np.zeros((0, 2), np.bool_)}, {"engine": "sensor", "list": [1, 2]})
    tensors = view(map_descriptor(memory_file(content)))
    assert np.array_equal(tensors.array("depth"), depth) and tensors.array("none").shape == (0, 2)
    assert tensors.metadata == {"engine": "sensor", "list": [1, 2]}
    tensors.array("depth")[0, 0, 0] = 9
    assert tensors.array("depth").flags.writeable and not tensors.array("depth").flags.owndata


def test_a_missing_array_is_named() -> None:
    tensors = view(bytearray(safetensors({"depth": np.zeros(1, np.float32)}, {})))
    with pytest.raises(RuntimeError, match=r"\['depth'\], but no 'masks'"):
        tensors.array("masks")


def test_metadata_that_is_no_json_is_text() -> None:
    content = bytearray(safetensors({}, {"engine": "x"}).replace(b'"\\"x\\""', b'"cpu"'))
    header = int.from_bytes(content[:8], "little")
    content[:8] = (len(content) - 8).to_bytes(8, "little")
    assert header and view(content).metadata == {"engine": "cpu"}
