"""Run a sweep: every case in fresh processes, in rounds, in an order that a seed decides; outputs are checked.

What fails spoils its own case. The time that was given is a bound: a process that would pass it is ended.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganzoo import errors
from ganzoo.errors import BenchError, GanzooError
from ganzoo.progress import Progress, ProgressListener
from ganzoo.runtime.latency import machine, temperature
from ganzoo.runtime.latency.cases import case_json, figure_of, is_enough, model_json, process_json
from ganzoo.runtime.latency.check import compare, unchecked
from ganzoo.runtime.latency.job import Job, Mode
from ganzoo.runtime.latency.painted import painted
from ganzoo.runtime.latency.plan import LEAST_SECONDS, START_SECONDS, cases_of, seconds_of
from ganzoo.runtime.latency.process import Answer, ask
from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.result import BenchResult, document_of
from ganzoo.runtime.latency.running import Running
from ganzoo.runtime.providers.requirements import require
from ganzoo.runtime.providers.table import find_provider, implementation_of
from ganzoo.scratch import scratch

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_PROCESSES = 50  # of a case whose interval does not become narrow
_GRACE_SECONDS = 1.0
_SAVING_SHARE = 9  # times as long as saving took is measured in between
_NAMES_SECONDS = 0.2  # below which no process is worth beginning


class _TimeIsUpError(Exception):
    pass


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
            if request.cool_to is not None:
                temperature.check(provider, request.device)
        self._saved, self._save_seconds = 0.0, 0.0
        self._nvidia = any(find_provider(one).maker == "nvidia" for one in request.axes.providers)
        self._folder = Path()
        cases = cases_of(request)
        models = {case.path: model_json(case) for case in {case.path: case for case in cases}.values()}
        self.running = [Running(case, index, models[case.path]) for index, case in enumerate(cases)]
        self._states: dict[str, Any] = {}
        self._checks: dict[tuple[Path, str], dict[str, Any]] = {}
        self._seconds = seconds_of(request, len(self._alive()))
        self._earlier = 0.0

    def take(self, before: BenchResult) -> None:
        """Raises RequestError where the earlier sweep was another one."""
        from ganzoo.runtime.latency.resume import taken

        cases = [(one.case, one.model) for one in self.running]
        for one, case in zip(self.running, taken(self._request, cases, before), strict=True):
            if case is None:
                continue
            one.processes, one.capacity = list(case["processes"]), case["capacity_per_second"]
            one.profile, one.picture = case["profile"], case["picture"]
            one.facts = {**case["placement"], "options": case["provider_options"]}
            if case["output_check"] is not None:
                self._checks[one.case.path, one.case.provider] = case["output_check"]
        self._earlier = float(before.document["protocol"]["seconds"])

    def run(self, folder: Path) -> BenchResult:
        """folder: for what providers build of models."""
        self._folder = folder
        if self._nvidia:
            self._states["before"] = machine.gpu_state(self._request.device)
        try:
            self._capacities()
            for number in range(self._request.repeats):
                self._round(number, [one for one in self._alive() if len(one.processes) <= number])
            if self._request.profile:
                self._profiles()
            number = self._request.repeats
            while waiting := [one for one in self._alive() if not self._enough(one)]:
                self._round(number, waiting)
                number += 1
        except _TimeIsUpError:
            pass
        if self._nvidia:
            self._states["after"] = machine.gpu_state(self._request.device)
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
        random = np.random.Generator(np.random.PCG64([self._request.seed, number]))
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
                answer = self._work(one, "profile", seconds=self._seconds)
                one.profile = None if answer is None else answer.content
                self._keep()

    def _measure(self, one: Running, number: int) -> None:
        request = self._request
        warm = None
        if request.cool_to is not None:
            wait = max(0.0, self._left() / 2)
            warm = temperature.wait(one.case.provider, request.device, request.cool_to, seconds=wait)
        outputs = (one.case.path, one.case.provider) not in self._checks and one.is_smallest(self._alive())
        answer = self._work(one, "measure", seconds=self._seconds, outputs=outputs, number=number)
        if answer is None:
            return
        content = answer.content or {}
        one.facts = one.facts or {
            key: content[key] for key in ("nodes", "cpu_shape_nodes", "copies", "bound", "options")
        }
        one.processes.append({**process_json(content, answer.arrays), "celsius": warm, "round": number})
        if outputs:
            found = [value for name, value in answer.arrays.items() if name.startswith("output")]
            if one.case.file is not None:
                one.picture = painted(one.case.file, found)
            if (check := self._check(one, found, content["runs_differ_by"] or 0.0)) is not None:
                self._checks[one.case.path, one.case.provider] = check

    def _check(self, one: Running, found: list[NDArray[Any]], apart: float) -> dict[str, Any] | None:
        """apart: by how much two runs of one input differ; what differs from itself cannot be compared."""
        file, check = one.case.file, self._request.check
        assert file is not None
        if (outcome := unchecked(file, check)) is not None:
            return outcome.to_json()
        answer = self._work(one, "reference", outputs=True)
        if answer is None:
            return None
        outcome = compare(file, list(answer.arrays.values()), found, self._request.precision, check)
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
                    answer = self._work(one, "capacity", seconds=self._seconds)
                except GanzooError as error:
                    one.case.error = error
                    continue
                if answer is not None and answer.content is not None:
                    values = answer.content["series"]["host_to_host"]
                    known[key] = values["calls"] / values["elapsed_ns"] * 1e9
            one.capacity = one.capacity or known.get(key)

    def _work(
        self, one: Running, mode: Mode, *, seconds: float = 0.0, outputs: bool = False, number: int = 0
    ) -> Answer | None:
        """What a process answered; None where its time was up. Raises what it raised, or BenchError when it died."""
        left = self._left()
        if left < _NAMES_SECONDS:
            raise _TimeIsUpError
        job = self._job(one, mode, min(seconds, max(LEAST_SECONDS, left - START_SECONDS)), left, outputs, number)
        # CUDA counts the fastest first unless told otherwise; nvidia-smi, which describes the device, by bus.
        order = {"CUDA_DEVICE_ORDER": os.environ.get("CUDA_DEVICE_ORDER", "PCI_BUS_ID")}
        answer = ask(job.to_json(), order, seconds=left + _GRACE_SECONDS)
        if answer.late:
            return None
        if answer.content is None:
            how = f"killed by signal {-answer.status}" if answer.status < 0 else f"exit status {answer.status}"
            raise BenchError(
                f"The process that measured {one.case.title} died ({how}): {answer.last_words}",
                hint="Killed by signal 9 usually means out of memory; try a smaller --batch."
                if answer.status == -9
                else "",
            )
        if "error" in answer.content:
            error = answer.content["error"]
            kind = getattr(errors, error["kind"], GanzooError)
            raise kind(error["message"], hint=error["hint"])
        return Answer(content=answer.content["ok"], arrays=answer.arrays, status=0, last_words="")

    def _job(self, one: Running, mode: Mode, seconds: float, left: float, outputs: bool, number: int) -> Job:
        request, case = self._request, one.case
        provider = "cpu" if mode == "reference" else case.provider
        load, rate = request.load, 0.0
        if case.rate is not None:
            rate = case.rate.value * (one.capacity or 0.0) if case.rate.of_capacity else case.rate.value
        elif load.objective is not None:
            rate = one.capacity or 0.0
        if load.scenario == "server" and mode == "measure" and rate <= 0:
            raise BenchError(f"The capacity of {case.title} could not be measured in time.", hint="More --max-time.")
        return Job(
            mode=mode,
            model=str(case.path.resolve()),
            shapes=case.shapes,
            files={name: str(path.resolve()) for name, path in case.files.items()},
            fills=dict(request.inputs.fills),
            provider=provider,
            implementation=implementation_of(provider),
            build=self._build_folder(one) if mode != "reference" and find_provider(provider).build_options else "",
            settings=case.settings,
            device=request.device,
            precision=request.precision,
            scenario=load.scenario,
            streams=load.streams,
            instances=load.instances,
            pause_ms=load.pause_ms,
            rotate=load.rotate,
            rate=rate,
            objective=load.objective,
            seconds=seconds,
            longest=min(left, 4 * seconds + 2),
            seed=request.seed + 1000 * number,
            outputs=outputs,
        )

    def _build_folder(self, one: Running) -> str:
        folder = self._folder / str(one.index)
        folder.mkdir(exist_ok=True)
        return str(folder)

    def _keep(self) -> None:
        """Save what there is, but where that takes a tenth of the time: the next process is saved then."""
        began = time.monotonic()
        if began - self._saved >= _SAVING_SHARE * self._save_seconds:
            self._save(self._result())
            self._saved = time.monotonic()
            self._save_seconds = self._saved - began

    def _left(self) -> float:
        return self._request.max_seconds - (time.monotonic() - self._began)

    def _tell(self, one: Running, number: int) -> None:
        done = sum(len(each.processes) for each in self.running)
        values = {"case": one.case.title, "repeat": number + 1, "repeats": max(number + 1, self._request.repeats)}
        total = max(done + 1, len(self.running) * self._request.repeats)
        self._progress.update(Progress(done=done, total=total, unit="processes", values=values))

    def _result(self) -> BenchResult:
        cases = [self._case(one) for one in self.running]
        seconds = self._earlier + time.monotonic() - self._began
        hints = {one.index: one.case.error.hint for one in self.running if one.case.error is not None}
        return BenchResult(document_of(self._request, cases, seconds=seconds, gpu_states=self._states), hints)

    def _case(self, one: Running) -> dict[str, Any]:
        """As the result has it; made anew when something came to be."""
        check = self._checks.get((one.case.path, one.case.provider))
        state = one.state(check)
        if one.written is None or one.written[0] != state:
            one.written = (
                state,
                case_json(
                    one.case, self._request, one.model, one.processes, one.facts, check, capacity=one.capacity,
                    profile=one.profile, picture=one.picture,
                ),
            )  # fmt: skip
        return one.written[1]
