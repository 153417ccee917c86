"""Run a sweep: every case in fresh processes, in rounds, in an order that a seed decides; outputs are checked.

What fails spoils its own case. The time that was given is a bound: a process that would pass it is ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.random import PCG64, Generator  # here, not at its first use: its import loses a Ctrl-C without a word

from ganzoo.errors import BenchError, GanzooError, RequestError
from ganzoo.progress import Progress, ProgressListener
from ganzoo.runtime.devices.clocks import locked, mhz_of
from ganzoo.runtime.devices.device import Device
from ganzoo.runtime.devices.meter import DeviceLostError, Meter
from ganzoo.runtime.devices.meters import record_of
from ganzoo.runtime.latency import temperature
from ganzoo.runtime.latency.asking import Asker, TimeIsUpError
from ganzoo.runtime.latency.cases import case_json, model_json
from ganzoo.runtime.latency.check import compare, unchecked
from ganzoo.runtime.latency.figures import figure_of, is_enough
from ganzoo.runtime.latency.painted import painted
from ganzoo.runtime.latency.plan import cases_of, groups_of, seconds_of
from ganzoo.runtime.latency.processes import process_json, process_windows
from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.result import BenchResult, document_of
from ganzoo.runtime.latency.running import Running
from ganzoo.runtime.latency.together import overlap_of
from ganzoo.runtime.providers.requirements import require
from ganzoo.runtime.providers.table import find_provider
from ganzoo.scratch import scratch

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_PROCESSES = 50  # of a case whose interval does not become narrow
_SAVING_SHARE = 9  # times as long as saving took is measured in between


def run(
    request: Request,
    *,
    progress: ProgressListener,
    save: Callable[[BenchResult], None] = lambda result: None,
    before: BenchResult | None = None,
) -> BenchResult:
    """Measure every case; the result is complete, whatever failed: each case says what became of it.

    progress: told before each process. save: given the result after each. before: what an earlier, unfinished sweep of
    the same cases has measured. Raises RequestError for what cannot be asked, BenchError for a provider that is not
    here, ExportError for the only model if it cannot be read.
    """
    sweep = _Sweep(request, progress, save)
    if before is not None:
        sweep.take(before)
    with locked(sweep.clocks()):
        if not any(find_provider(one).build_options for one in request.axes.providers):
            return sweep.run(Path())
        with scratch("ganzoo-bench-") as folder:
            return sweep.run(folder)


class _Sweep:
    def __init__(self, request: Request, progress: ProgressListener, save: Callable[[BenchResult], None]) -> None:
        self._began = time.monotonic()
        self._request, self._progress, self._save = request, progress, save
        for provider in request.axes.providers:
            require(provider)
        self._saved, self._save_seconds = 0.0, 0.0
        cases = cases_of(request)
        models = {case.path: model_json(case) for case in {case.path: case for case in cases}.values()}
        self.running = [Running(case, index, models[case.path]) for index, case in enumerate(cases)]
        self._asker = Asker(request, self._left)
        if request.cool_to is not None:
            for one in self._alive():
                temperature.check(self._meter(one), one.case.provider)
        self._checks: dict[tuple[Path, str, str], dict[str, Any]] = {}
        self._together = groups_of([one.case for one in self._alive()]) if request.together else []
        self._seconds = seconds_of(request, len(self._alive()), len(self._together))
        self._earlier, self._label = 0.0, request.label
        self._devices = self._device_records()

    def take(self, before: BenchResult) -> None:
        """Raises RequestError where the earlier sweep was another one."""
        from ganzoo.runtime.latency.resume import taken

        self._label = before.document["label"]
        cases = [(one.case, one.model) for one in self.running]
        for one, case in zip(self.running, taken(self._request, cases, before), strict=True):
            if case is None:
                continue
            one.processes, one.capacity = list(case["processes"]), case["capacity_per_second"]
            if (together := case["together"]) is not None:
                one.together, one.beside = list(together["processes"]), together["devices"]
            one.profile, one.picture = case["profile"], case["picture"]
            one.facts = {**case["placement"], "options": case["provider_options"]}
            if case["output_check"] is not None:
                self._checks[one.place] = case["output_check"]
        self._earlier = float(before.document["protocol"]["seconds"])

    def run(self, folder: Path) -> BenchResult:
        """folder: for what providers build of models."""
        self._asker.folder = folder
        try:
            self._capacities()
            for number in range(self._request.repeats):
                self._round(number, [one for one in self._alive() if len(one.processes) <= number])
            for number in range(self._request.repeats if self._together else 0):
                self._at_once(number)
            if self._request.profile:
                self._profiles()
            number = self._request.repeats
            while waiting := [one for one in self._alive() if not self._enough(one)]:
                self._round(number, waiting)
                number += 1
        except TimeIsUpError:
            pass
        done = sum(len(one.processes) for one in self.running)
        self._progress.update(Progress(done=done, total=done, unit="processes"))
        result = self._result()
        self._save(result)
        return result

    def _alive(self) -> list[Running]:
        return [one for one in self.running if one.case.error is None]

    def _enough(self, one: Running) -> bool:
        load = self._request.load
        figure = figure_of(one.processes, load.scenario, objective=load.objective is not None)
        alone = self._request.repeats == 1  # one process was asked for, and has no interval
        return alone or len(one.processes) >= _MOST_PROCESSES or figure is None or is_enough(figure, self._request)

    def _round(self, number: int, several: Sequence[Running]) -> None:
        """One process of each, in an order of its own: drift of the machine meets every case alike."""
        random = Generator(PCG64([self._request.seed, number]))
        for place in random.permutation(len(several)):
            one = several[place]
            if one.case.error is not None:
                continue
            self._tell(one, number)
            try:
                self._measure(one, number)
            except GanzooError as error:
                one.case.error = error
            self._keep()

    def _profiles(self) -> None:
        """Where the time of each goes, in a process of its own: to write it down takes time."""
        for one in self._alive():
            if one.profile is None:
                self._tell(one, len(one.processes) - 1)
                heard = self._asker.work(one, "profile", seconds=self._seconds)
                one.profile = None if heard is None or heard.answer is None else heard.answer.content
                self._keep()

    def _measure(self, one: Running, number: int) -> None:
        request = self._request
        warm = None
        if request.cool_to is not None:
            wait = max(0.0, self._left() / 2)
            warm = temperature.wait(self._meter(one), one.case.provider, request.cool_to, seconds=wait)
        outputs = one.place not in self._checks and one.is_smallest(self._alive())
        heard = self._asker.work(one, "measure", seconds=self._seconds, outputs=outputs, number=number)
        if heard is None or heard.answer is None:
            return
        answer = heard.answer
        content = answer.content or {}
        one.facts = one.facts or {
            key: content[key] for key in ("nodes", "cpu_shape_nodes", "copies", "bound", "replayed", "options")
        }
        one.processes.append({**process_json(answer, heard.watch), "celsius": warm, "round": number})
        if outputs:
            found = [value for name, value in answer.arrays.items() if name.startswith("output")]
            if one.case.file is not None:
                one.picture = painted(one.case.file, found)
            if (check := self._check(one, found, content["runs_differ_by"] or 0.0)) is not None:
                self._checks[one.place] = check

    def _at_once(self, number: int) -> None:
        """One process on each device, of every case that there is on several."""
        by_case = {id(one.case): one for one in self._alive()}
        for cases in self._together:
            several = [by_case[id(case)] for case in cases if id(case) in by_case]  # what failed alone is left out
            if len(several) < 2 or all(len(one.together) > number for one in several):
                continue
            self._tell(several[0], number, f"{several[0].case.title} beside {len(several) - 1} more")
            found = self._asker.work_together(several, "measure", seconds=self._seconds, number=number)
            if found is None:
                return
            windows = [process_windows(heard.answer) for heard in found if heard.answer is not None]
            for one, heard in zip(several, found, strict=True):
                if heard.answer is None:  # without an error: another one could not begin
                    one.case.error = heard.error
                    continue
                own = process_windows(heard.answer)
                one.beside = len(several)
                overlap = overlap_of(windows, own)
                one.together.append({**process_json(heard.answer, heard.watch), "celsius": None, "round": number,
                                     "overlap": overlap})  # fmt: skip
            self._keep()

    def _check(self, one: Running, found: list[NDArray[Any]], apart: float) -> dict[str, Any] | None:
        """apart: by how much two runs of one input differ; what differs from itself cannot be compared."""
        file, check = one.case.file, self._request.check
        assert file is not None
        if (outcome := unchecked(file, check)) is not None:
            return outcome.to_json()
        heard = self._asker.work(one, "reference", outputs=True)
        if heard is None or heard.answer is None:
            return None
        outcome = compare(file, list(heard.answer.arrays.values()), found, self._request.precision, check)
        if outcome.state == "differs" and apart and check != "strict":
            outcome = outcome._replace(state="unchecked", why=f"two runs of one input differ by {apart:.3g}")
        return outcome.to_json()

    def _capacities(self) -> None:
        """How many calls a second each can do, where the load is a share of it, or is looked for below it."""
        load = self._request.load
        if not (load.objective or any(rate.of_capacity for rate in load.rates)):
            return
        known: dict[str, float] = {}
        for one in self._alive():
            key = str({**one.case.key(), "rate": None})
            if one.capacity is None and key not in known:
                self._tell(one, 0)
                try:
                    heard = self._asker.work(one, "capacity", seconds=self._seconds)
                except GanzooError as error:
                    one.case.error = error
                    continue
                if heard is not None and heard.answer is not None and heard.answer.content is not None:
                    values = heard.answer.content["series"]["host_to_host"]
                    known[key] = values["calls"] / values["elapsed_ns"] * 1e9
            one.capacity = one.capacity or known.get(key)

    def _keep(self) -> None:
        """Save what there is, but where that takes a tenth of the time: the next process is saved then."""
        began = time.monotonic()
        if began - self._saved >= _SAVING_SHARE * self._save_seconds:
            self._save(self._result())
            self._saved = time.monotonic()
            self._save_seconds = self._saved - began

    def _left(self) -> float:
        return self._request.max_seconds - (time.monotonic() - self._began)

    def clocks(self) -> list[tuple[Device, int]]:
        """Devices with the clock, in MHz, at which each is held. Raises RequestError, BenchError."""
        asked = self._request.lock_clocks
        found = {one.case.device.key: one.case.device for one in self._alive() if one.case.device is not None}
        if asked is None:
            return []
        if not found:
            raise RequestError("--lock-clocks: none of the providers has a device whose clock can be locked.")
        clocks = [(device, mhz_of(device, asked)) for device in found.values()]
        for record in self._devices:
            record["locked_mhz"] = next((mhz for device, mhz in clocks if device.key == record["label"]), None)
        return clocks

    def _meter(self, one: Running) -> Meter | None:
        return self._asker.meter(one.case.provider, one.case.device)

    def _device_records(self) -> list[dict[str, Any]]:
        """What the result says of each device; one that is gone is a failed case."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for one in self._alive():
            device, provider = one.case.device, one.case.provider
            if device is None or (provider, device.key) in found:
                continue
            try:
                found[provider, device.key] = record_of(device, self._meter(one), provider=provider)
            except (BenchError, DeviceLostError) as error:  # while it is asked for, or for what it is
                one.case.error = BenchError(f"The device {device.name} was lost: {error}")
                found[provider, device.key] = record_of(device, None, provider=provider)
        return list(found.values())

    def _tell(self, one: Running, number: int, title: str = "") -> None:
        done = sum(len(each.processes) for each in self.running)
        values = {
            "case": title or one.case.title,
            "repeat": number + 1,
            "repeats": max(number + 1, self._request.repeats),
        }
        total = max(done + 1, len(self.running) * self._request.repeats)
        self._progress.update(Progress(done=done, total=total, unit="processes", values=values))

    def _result(self) -> BenchResult:
        cases = [self._case(one) for one in self.running]
        seconds = self._earlier + time.monotonic() - self._began
        hints = {one.index: one.case.error.hint for one in self.running if one.case.error is not None}
        document = document_of(self._request, cases, seconds=seconds, devices=self._devices)
        return BenchResult({**document, "label": self._label}, hints)

    def _case(self, one: Running) -> dict[str, Any]:
        """As the result has it; made anew when something came to be."""
        check = self._checks.get(one.place)
        state = one.state(check)
        if one.written is None or one.written[0] != state:
            one.written = (
                state,
                case_json(
                    one.case, self._request, one.model, one.processes, one.facts, check, capacity=one.capacity,
                    profile=one.profile, picture=one.picture, together=one.together, beside=one.beside,
                ),
            )  # fmt: skip
        return one.written[1]
