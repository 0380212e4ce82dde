"""What model-written code sees inside a SpatialClaw kernel.

Rooms:

* ``images``, ``metadata``, ``frames``, ``masks``, ``reconstruction``: the objects a cell holds;
* ``tools``: the objects a cell calls;
* ``feedback``, ``answer``: how a cell shows pictures and ends the question;
* names with a leading underscore: the template process, the session's loop and the seam to the host. Cells have no
  business there.

Only ``_host`` (the native half, typed in ``_host.pyi``) talks to the world outside; everything here also runs with a
host written in Python, which is how the tests run it.
"""

__version__ = "0.1.0"
