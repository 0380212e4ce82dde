"""Arrays that arrive as a memory file in safetensors form, viewed in place."""

from __future__ import annotations

import json
import mmap
import os
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U8": np.uint8,
    "U16": np.uint16,
    "U32": np.uint32,
    "BOOL": np.bool_,
}


@dataclass(frozen=True)
class Tensors:
    """Named arrays and what was said about them."""

    arrays: dict[str, NDArray[Any]]
    metadata: dict[str, Any]

    def array(self, name: str) -> NDArray[Any]:
        """The array called ``name``; RuntimeError if the answer does not hold it."""
        try:
            return self.arrays[name]
        except KeyError:
            raise RuntimeError(f"the perception answer holds {sorted(self.arrays)}, but no {name!r}") from None


def map_descriptor(descriptor: int) -> mmap.mmap:
    """Map the memory file behind ``descriptor`` privately and close the descriptor.

    The mapping is writable for this process alone: nothing is copied until a cell writes, and nobody else sees it.
    """
    try:
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY)
    finally:
        os.close(descriptor)


def view(buffer: mmap.mmap | bytearray) -> Tensors:
    """The tensors that lie in ``buffer``, which stays alive as long as any array does."""
    (header_length,) = struct.unpack_from("<Q", buffer, 0)
    start = 8 + header_length
    header = json.loads(bytes(buffer[8:start]))
    metadata = {key: _parsed(text) for key, text in header.pop("__metadata__", {}).items()}
    return Tensors({name: _array(buffer, start, entry) for name, entry in header.items()}, metadata)


def _array(buffer: mmap.mmap | bytearray, start: int, entry: dict[str, Any]) -> NDArray[Any]:
    begin, end = entry["data_offsets"]
    dtype = np.dtype(_DTYPES[entry["dtype"]])
    shape = tuple(entry["shape"])
    if begin == end:
        return np.empty(shape, dtype)
    flat = np.frombuffer(buffer, dtype, count=(end - begin) // dtype.itemsize, offset=start + begin)
    return flat.reshape(shape)


def _parsed(text: str) -> Any:
    """Metadata values are JSON; a plain word is taken as itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
