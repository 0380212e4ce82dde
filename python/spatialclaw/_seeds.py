"""Pseudo-random numbers that come out the same when a session's cells are run again.

``random``, ``numpy.random`` and every generator that is made without a seed begin from the session's number.
``os.urandom``, ``secrets`` and ``uuid.uuid4`` stay what they are.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np


def sow(number: int) -> None:
    """Make every source of pseudo-random numbers start from ``number``."""
    # A stream of its own: a cell that seeds `random` does not change what others begin with.
    entropy = random.Random(number).getrandbits
    given = random.Random.seed

    def seed(self: random.Random, a: Any = None, version: int = 2) -> None:
        given(self, entropy(256) if a is None else a, version)

    seed.__doc__ = given.__doc__
    random.Random.seed = seed  # type: ignore[method-assign]
    # The module's own functions are methods bound before that.
    random.seed = random._inst.seed
    # Where numpy's seed sequences get what nobody gave them: default_rng(), PCG64(), RandomState(), seed().
    np.random.bit_generator.randbits = entropy  # type: ignore[attr-defined]
    random.seed(number)
    np.random.seed(number % 2**32)
