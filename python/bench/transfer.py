"""What it costs to send a reconstruction as base64 in JSON, or as MessagePack, over HTTP.

64 frames of 378 x 504 pixels. Rows ``all``: depth, confidence and points are sent. Rows ``depth``: depth and confidence
are sent, and points are computed by the receiver, which is what our own way does. Prints one JSON object: milliseconds,
processor time of both ends together, best round.

python transfer.py [--quick]
"""

from __future__ import annotations

import argparse
import base64
import json
import multiprocessing
import os
import sys
import time
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.connection import Connection
from typing import Any

import msgpack
import numpy as np

SHAPE = (64, 378, 504)
Arrays = dict[str, np.ndarray]


def to_json(arrays: Arrays) -> bytes:
    entries = {
        name: {"dtype": str(a.dtype), "shape": a.shape, "data": base64.b64encode(a).decode()}
        for name, a in arrays.items()
    }
    return json.dumps(entries).encode()


def from_json(body: bytes) -> Arrays:
    return {
        name: np.frombuffer(base64.b64decode(entry["data"]), entry["dtype"]).reshape(entry["shape"])
        for name, entry in json.loads(body).items()
    }


def to_msgpack(arrays: Arrays) -> bytes:
    entries = {name: {"dtype": str(a.dtype), "shape": a.shape, "data": a.tobytes()} for name, a in arrays.items()}
    packed: bytes = msgpack.packb(entries)
    return packed


def from_msgpack(body: bytes) -> Arrays:
    return {
        name: np.frombuffer(entry["data"], entry["dtype"]).reshape(entry["shape"])
        for name, entry in msgpack.unpackb(body).items()
    }


WAYS: dict[str, tuple[Callable[[Arrays], bytes], Callable[[bytes], Arrays]]] = {
    "base64": (to_json, from_json),
    "msgpack": (to_msgpack, from_msgpack),
}


def serve(pipe: Connection) -> None:
    """A server that holds the arrays, and tells its processor time on ``/cpu``."""
    rng = np.random.default_rng(0)
    depth = rng.uniform(1, 5, SHAPE).astype(np.float32)
    arrays = {"depth": depth, "confidence": np.full(SHAPE, 0.9, np.float32)}
    everything = arrays | {"points": rng.uniform(-5, 5, (*SHAPE, 3)).astype(np.float32)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            way, _, what = self.path.strip("/").partition("/")
            if way == "cpu":
                body = str(time.process_time()).encode()
            else:
                body = WAYS[way][0](everything if what == "all" else arrays)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    pipe.send(server.server_port)
    server.serve_forever()


def get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=600) as reply:
        body: bytes = reply.read()
    return body


def round_trip(port: int, way: str, what: str) -> dict[str, float]:
    """One result, until it is arrays."""
    there = float(get(port, "cpu"))
    here, started = time.process_time(), time.perf_counter()
    arrays = WAYS[way][1](get(port, f"{way}/{what}"))
    wall, cpu = time.perf_counter() - started, time.process_time() - here
    assert arrays["depth"].shape == SHAPE
    return {"wall_ms": 1e3 * wall, "cpu_ms": 1e3 * (cpu + float(get(port, "cpu")) - there)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    rounds = 2 if parser.parse_args().quick else 8
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    port = ours.recv()
    told = {}
    for way in WAYS:
        for what in ("all", "depth"):
            print(f"transfer: {way}, {what}", file=sys.stderr)
            tried = [round_trip(port, way, what) for _ in range(rounds)]
            told[f"{way}_{what}"] = min(tried, key=lambda it: it["cpu_ms"])
    server.terminate()
    print(json.dumps(told))


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
