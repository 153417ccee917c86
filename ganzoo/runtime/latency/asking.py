"""Having processes do jobs for cases, with the devices that they run on watched meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from ganzoo import errors
from ganzoo.errors import BenchError, GanzooError
from ganzoo.runtime.devices.device import Device
from ganzoo.runtime.devices.meter import Meter, Watch
from ganzoo.runtime.devices.meters import find_meter
from ganzoo.runtime.latency.job import Job, Mode
from ganzoo.runtime.latency.plan import LEAST_SECONDS, START_SECONDS
from ganzoo.runtime.latency.process import Answer, ask_all
from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.running import Running
from ganzoo.runtime.providers.table import find_provider, implementation_of

_GRACE_SECONDS = 1.0
_LEAST_LEFT = 0.2  # seconds, below which no process is worth beginning


class TimeIsUpError(Exception):
    """No process is begun any more."""


class Heard(NamedTuple):
    """What became of one process. error: instead of an answer. watch: of its device meanwhile."""

    answer: Answer | None
    watch: Watch
    error: GanzooError | None = None


class Asker:
    """left: seconds until everything must have ended. folder: for what providers build of models, set before one that
    builds is asked."""

    def __init__(self, request: Request, left: Callable[[], float]) -> None:
        self._request, self._left = request, left
        self.folder = Path()
        self._meters: dict[tuple[str, str], Meter | None] = {}
        self._lost: dict[tuple[str, str], GanzooError] = {}

    def meter(self, provider: str, device: Device | None) -> Meter | None:
        """Of a device. Raises BenchError for one that is not there any more."""
        key = (provider, device.key if device is not None else "")
        if key not in self._meters:
            self._meters[key] = find_meter(find_provider(provider).maker, device)
        return self._meters[key]

    def work(
        self, one: Running, mode: Mode, *, seconds: float = 0.0, outputs: bool = False, number: int = 0
    ) -> Heard | None:
        """What a process answered; None where its time was up. Raises what it raised, or BenchError when it died."""
        heard = self.work_together([one], mode, seconds=seconds, outputs=outputs, number=number)
        if heard is None:
            return None
        if heard[0].error is not None:
            raise heard[0].error
        return heard[0]

    def work_together(
        self, several: Sequence[Running], mode: Mode, *, seconds: float, outputs: bool = False, number: int = 0
    ) -> list[Heard] | None:
        """The same of cases at once, which begin at one moment; an error is part of what is heard of each. Where one
        cannot begin, none does: the others have neither answer nor error."""
        left = self._left()
        if left < _LEAST_LEFT:
            raise TimeIsUpError
        within = min(seconds, max(LEAST_SECONDS, left - START_SECONDS))
        jobs, watches, refused = list[tuple[Job, Mapping[str, str]]](), list[Watch](), dict[int, GanzooError]()
        for place, one in enumerate(several):
            try:
                if one.place[1:] in self._lost:
                    raise self._lost[one.place[1:]]
                watches.append(self._watch(one, mode))
                jobs.append(self._job(one, mode, within, left, outputs=outputs, number=number, meet=len(several) > 1))
            except GanzooError as error:
                refused[place] = error
        if refused:
            return [Heard(None, Watch(None), refused.get(place)) for place in range(len(several))]
        with ExitStack() as stack:
            for watch in watches:
                stack.enter_context(watch)
            answers = ask_all(
                [(job.to_json(), environment) for job, environment in jobs], seconds=left + _GRACE_SECONDS
            )
        if any(answer.late for answer in answers):
            return None
        found = [_heard(one, answer, watch) for one, answer, watch in zip(several, answers, watches, strict=True)]
        for one, heard in zip(several, found, strict=True):
            if heard.watch.lost and heard.error is not None:
                self._lost[one.place[1:]] = heard.error
        return found

    def _watch(self, one: Running, mode: Mode) -> Watch:
        return Watch(self.meter(one.case.provider, one.case.device) if mode == "measure" else None)

    def _job(
        self, one: Running, mode: Mode, seconds: float, left: float, *, outputs: bool, number: int, meet: bool
    ) -> tuple[Job, Mapping[str, str]]:
        """What a process is asked, and its environment."""
        request, case = self._request, one.case
        provider = "cpu" if mode == "reference" else case.provider
        found = find_provider(provider)
        own = case.device if mode != "reference" else None
        environment, device = found.alone(own) if own is not None else ({}, 0)
        load = request.load
        job = Job(
            mode=mode,
            model=str(case.path.resolve()),
            shapes=case.shapes,
            files={name: str(path.resolve()) for name, path in case.files.items()},
            fills=dict(request.inputs.fills),
            provider=provider,
            implementation=implementation_of(provider),
            build=self._build_folder(one) if mode != "reference" and found.build_options else "",
            settings=case.settings,
            device=device,
            precision=request.precision,
            scenario=load.scenario,
            streams=load.streams,
            instances=load.instances,
            pause_ms=load.pause_ms,
            rotate=load.rotate,
            rate=_rate(one, request, mode),
            objective=load.objective,
            seconds=seconds,
            longest=min(left, 4 * seconds + 2),
            seed=request.seed + 1000 * number,
            outputs=outputs,
            graph=mode in ("measure", "capacity") and case.settings.options.get(found.graph_option) in _ON,
            meet=meet,
        )
        return job, environment

    def _build_folder(self, one: Running) -> str:
        folder = self.folder / str(one.index)
        folder.mkdir(exist_ok=True)
        return str(folder)


_ON = ("1", "true", "True")


def _rate(one: Running, request: Request, mode: Mode) -> float:
    """Calls a second that arrive; 0 for no arrivals."""
    case, load, rate = one.case, request.load, 0.0
    if case.rate is not None:
        rate = case.rate.value * (one.capacity or 0.0) if case.rate.of_capacity else case.rate.value
    elif load.objective is not None:
        rate = one.capacity or 0.0
    if load.scenario == "server" and mode == "measure" and rate <= 0:
        raise BenchError(f"The capacity of {case.title} could not be measured in time.", hint="More --max-time.")
    return rate


def _heard(one: Running, answer: Answer, watch: Watch) -> Heard:
    if watch.lost:
        where = one.case.device.name if one.case.device is not None else one.case.provider
        return Heard(None, watch, BenchError(
            f"The device {where} was lost while {one.case.title} was measured: {watch.lost}.",
            hint="Look at the kernel's log (dmesg) for what became of it; the other cases are as they were.",
        ))  # fmt: skip
    if answer.content is None:
        how = f"killed by signal {-answer.status}" if answer.status < 0 else f"exit status {answer.status}"
        hint = "Killed by signal 9 usually means out of memory; try a smaller --batch." if answer.status == -9 else ""
        return Heard(None, watch, BenchError(
            f"The process that measured {one.case.title} died ({how}): {answer.last_words}", hint=hint
        ))  # fmt: skip
    if "error" in answer.content:
        error = answer.content["error"]
        kind = getattr(errors, error["kind"], GanzooError)
        return Heard(None, watch, kind(error["message"], hint=error["hint"]))
    content = answer.content["ok"]
    return Heard(Answer(content=content, arrays=answer.arrays, status=0, last_words="", pid=answer.pid), watch)
