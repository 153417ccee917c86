"""What the driver tells of the boards while something runs on them, and what needs several of them."""

import os

from exporting import NEEDS

from ganzoo.errors import BenchError
from ganzoo.progress import Silent
from ganzoo.runtime.devices import nvml
from ganzoo.runtime.latency.inputs import InputRequest
from ganzoo.runtime.latency.request import Axes, Request
from ganzoo.runtime.latency.runner import run
from ganzoo.runtime.providers.requirements import devices_of


def main(report, path, provider, small):
    """Claims on one exported file; each measurement takes seconds."""
    here = {"seen": provider == "cuda", "needs": NEEDS}
    found = devices_of(provider)
    case, machine = _measured(path, provider, small)
    series = next(iter(case["processes"][0]["series"].values()))
    told = series["device"] or {}
    power = told.get("watts") or [None] * 3
    energy = case["joules_per_picture"]
    if energy is not None:
        report.figure("energy", joules_per_picture=energy["value"], watts=power[1], readings=told["readings"])
    report.claim("energy", energy is not None, "" if energy is None else f"{energy['value']:.4f} J a picture", **here)
    driver = ", ".join(f"{one['name']}, driver {one.get('driver')}" for one in machine["devices"])
    report.claim("device list", bool(found) and all(one.uuid for one in found), driver, **here)
    graph = report.attempt("a replayed graph", _graph, path, provider, small) if provider == "cuda" else None
    report.claim("replayed", bool(graph) and graph[0], f"{graph[1]:.3f} ms" if graph else "", **here)
    _clocks(report, path, provider, small)
    _together(report, path, provider, small, found)
    slices = [one for one in found if one.slice]
    states = [_measured(path, provider, small, devices=(one.key,))[0]["state"] for one in slices[:2]]
    report.claim("slices", states == ["ok"] * len(states), ", ".join(one.name for one in slices), seen=bool(slices),
                 needs="a GPU that is cut in slices")  # fmt: skip


def _measured(path, provider, small, **more):
    request = Request(
        models=[path], axes=more.pop("axes", Axes(providers=(provider,))), inputs=InputRequest(batches=(1,)),
        repeats=more.pop("repeats", 1), least_seconds=0.3 if small else 2.0, max_seconds=60.0, within=1.0, **more,
    )  # fmt: skip
    document = run(request, progress=Silent()).document
    return document["cases"][0], document["machine"]


def _graph(path, provider, small):
    case, _ = _measured(path, provider, small, axes=Axes(providers=(provider,), cuda_graph=(True,)))
    if case["state"] == "failed":
        raise RuntimeError(case["why"])
    return case["placement"]["replayed"] and case["state"] == "ok", case["figure"]["value"]


def _clocks(report, path, provider, small):
    """Locked, and free again afterwards: the next measurement says that nothing is locked."""
    allowed = provider == "cuda" and nvml.is_installed() and os.name == "posix"
    try:
        case = _measured(path, provider, small, lock_clocks="base")[0] if allowed else None
    except BenchError as error:
        report.claim("locked clocks", False, "", seen=False, needs=f"leave to lock them ({error.message[:120]})")
        return
    mhz = case and case["processes"][0]["series"]["host_to_host"]["device"]["mhz"]
    still = bool(mhz) and mhz[0] == mhz[2]
    report.claim("locked clocks", still, f"{mhz} MHz" if mhz else "", seen=case is not None, needs=NEEDS)


def _together(report, path, provider, small, found):
    several = len(found) > 1 and provider == "cuda"
    case = _measured(path, provider, small, devices=("all",), together=True, repeats=3)[0] if several else None
    slower = ((case and case["together"]) or {}).get("slower")
    note = f"{slower['value']:.3f} times as long on {len(found)} GPUs" if slower else ""
    report.claim("together", bool(slower), note, seen=several, needs="two GPUs")
