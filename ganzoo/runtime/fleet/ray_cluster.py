"""Ray's cluster: nodes, objects that travel once, tasks that are bound to a node.

Which GPUs a process sees is ours to say, not Ray's, and Ray reports to nobody.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ganzoo.errors import BenchError, RequestError, missing_package, one_line, short
from ganzoo.runtime.fleet.conduct import LostError
from ganzoo.runtime.fleet.parcel import Parcel, hashes_of
from ganzoo.runtime.fleet.plan import Node, Place

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES": "1",  # of this process; what nodes see is `node.environment`
    "RAY_BACKEND_LOG_LEVEL": "error",
}
_PROBE_SECONDS = 90.0
_ALIVE_SECONDS = 5.0


class RayCluster:
    """A connection to a running cluster; ended when the context is left.

    address: "auto" for the one that this machine is a node of, or HOST:PORT of its head. Raises BenchError where there
    is none, RequestError for an address that is none.
    """

    def __init__(self, address: str, contents: Mapping[str, Path]) -> None:
        host, _, port = address.rpartition(":")
        if address != "auto" and ("/" in address or not host or not port.isdecimal() or not 0 < int(port) < 65_536):
            raise RequestError(
                f"--fleet {short(address)}: expected auto, or HOST:PORT of the cluster's head.",
                hint="Run it on a node of the cluster: ray job submit -- ganzoo bench ... --fleet auto",
            )
        self._address, self._contents = address, contents
        self._objects: dict[str, Any] = {}

    def __enter__(self) -> RayCluster:
        for key, value in _ENVIRONMENT.items():
            os.environ.setdefault(key, value)
        ray = self._ray = _import()
        with contextlib.suppress(ImportError, AttributeError):  # pages of a dead node's log; we say that it is lost
            from ray._private import worker

            worker.print_to_stdstream = lambda *_, **__: None
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._affinity = NodeAffinitySchedulingStrategy
        try:
            _knock(self._address)
            with _no_words():
                ray.init(
                    address=self._address, log_to_driver=False, configure_logging=False, logging_level="ERROR",
                    namespace="ganzoo",
                )  # fmt: skip
        except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as error:
            raise BenchError(
                f"No cluster of Ray answers at {self._address}: {one_line(error)[:200]}",
                hint="ray start --head on one machine, ray start --address=HOST:6379 on the others; see docs/fleet.md",
            ) from None
        from ganzoo.runtime.fleet import node

        self._probe = ray.remote(num_cpus=0, max_retries=0)(node.probe)
        self._measure = ray.remote(num_cpus=0, max_retries=0, num_returns="streaming")(_measure)
        self._tidy = ray.remote(num_cpus=0, max_retries=0)(_tidy)
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()

    def nodes(self) -> list[tuple[str, str]]:
        """In order of their names; one that nobody named is `node1` and so on, in the order of their ids."""
        alive = sorted((one for one in self._ray.nodes() if one["Alive"]), key=lambda one: str(one["NodeID"]))
        found = []
        for number, one in enumerate(alive, 1):
            name = str(one.get("NodeName") or "")
            named = name and name != one["NodeManagerAddress"]
            found.append((str(one["NodeID"]), name if named else f"node{number}"))
        return sorted(found, key=lambda one: one[1])

    def probe(self, nodes: Sequence[tuple[str, str]], providers: Sequence[str]) -> tuple[list[Node], dict[str, str]]:
        """All at once; one that says nothing within our deadline is left out."""
        ray = self._ray
        asked = {self._on(self._probe, node).remote(node, name, tuple(providers)): name for node, name in nodes}
        ready, late = ray.wait(list(asked), num_returns=len(asked), timeout=_PROBE_SECONDS)
        found, silent = [], {asked[one]: f"said nothing within {_PROBE_SECONDS:.0f} s" for one in late}
        for one in ready:
            try:
                found.append(ray.get(one))
            except Exception as error:  # of what is installed there
                silent[asked[one]] = one_line(getattr(error, "cause", None) or error)[:200]
        for one in late:
            ray.cancel(one, force=True)
        order = [name for _, name in nodes]
        return sorted(found, key=lambda node: order.index(node.name)), silent

    def start(self, parcel: Parcel, place: Place, before: Mapping[str, Any] | None, label: str | None) -> Any:
        """The files travel by reference: once to each node."""
        references = []
        for digest in hashes_of(parcel):
            if digest not in self._objects:
                self._objects[digest] = self._ray.put(self._contents[digest].read_bytes())
            references.append(self._objects[digest])
        return self._on(self._measure, place.node.id).remote(parcel, place, before, label, *references)

    def messages(
        self, handles: Sequence[Any], seconds: float
    ) -> Iterator[tuple[Any, Mapping[str, Any] | LostError | None]]:
        ray = self._ray
        if not handles:
            return
        ready, _ = ray.wait(list(handles), num_returns=len(handles), timeout=seconds, fetch_local=False)
        if not ready:
            return
        if len(ready) < len(handles):
            time.sleep(0.02)  # those that are about to be
        for handle in ready:
            try:
                yield handle, ray.get(next(handle))
            except StopIteration:
                yield handle, None
            except ray.exceptions.RayTaskError as error:  # raised by what ran there
                cause = getattr(error, "cause", None) or error
                hint = str(getattr(cause, "hint", ""))
                yield handle, {"error": {"message": getattr(cause, "message", one_line(cause)[:300]), "hint": hint}}
            except ray.exceptions.RayError as error:
                yield handle, LostError(f"{type(error).__name__} of Ray")

    def cancel(self, handle: Any) -> None:
        with contextlib.suppress(Exception):  # of a node that is gone
            self._ray.cancel(handle, force=True)

    def is_alive(self, node: str) -> bool:
        """Whether something runs there within our deadline: Ray's list of nodes takes half a minute to forget one."""
        if not self._is_there(node):
            return False
        asked = self._on(self._tidy, node).remote("")
        try:
            self._ray.get(asked, timeout=_ALIVE_SECONDS)
        except Exception:
            self.cancel(asked)
            return False
        return True

    def tidy(self, parcel: Parcel, nodes: Sequence[Node]) -> None:
        """Take the parcel away from the nodes that are left."""
        asked = [self._on(self._tidy, node.id).remote(parcel.name) for node in nodes if self._is_there(node.id)]
        with contextlib.suppress(Exception):
            self._ray.wait(asked, num_returns=len(asked), timeout=10)

    def _is_there(self, node: str) -> bool:
        return node in {one["NodeID"] for one in self._ray.nodes() if one["Alive"]}

    def _on(self, function: Any, node: str) -> Any:
        return function.options(scheduling_strategy=self._affinity(node, soft=False))


def _knock(address: str) -> None:
    """Raises OSError where nothing listens: Ray would try for minutes."""
    if address != "auto":
        host, _, port = address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


@contextlib.contextmanager
def _no_words() -> Iterator[None]:
    """Ray's own parts write about the network on stderr, past Python; its errors are exceptions."""
    sys.stderr.flush()
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def _measure(
    parcel: Parcel, place: Place, before: dict[str, Any] | None, label: str | None, *contents: bytes
) -> Iterator[dict[str, Any]]:
    from ganzoo.runtime.fleet import node

    yield from node.measure(parcel, place, contents, before, label)


def _tidy(name: str) -> None:
    """name: of a parcel; "" for nothing to do."""
    from ganzoo.runtime.fleet.parcel import tidy

    if name:
        tidy(name)


def _import() -> Any:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise (missing_package(error) or error) from None
    return ray
