"""The processes that train together, under torchrun or alone.

Plain all-reduces, not DistributedDataParallel: DDP leaves gradients unsynchronised, silently, for a backward
pass of a penalty alone, for two forward passes before two backward passes, and for a submodule called outside
`forward`. Here every phase ends with one flat all-reduce of what it computed, however it computed it.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from ganzoo.errors import GanzooError, RequestError, one_line

_RESTLESS_SECONDS = 0.05
_yield = getattr(os, "sched_yield", lambda: time.sleep(0))
_LOOKS_SECONDS, _GRACE_SECONDS = 0.5, 120.0
_PATIENCE = datetime.timedelta(minutes=30)  # others wait while rank 0 writes or scores


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranks:
    """This process among those of a training. One alone communicates with nobody.

    rank, count: this process and how many there are. local_rank: this process among those of its machine.
    host_group: the group for messages between hosts, apart from the GPUs' own.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    host_group: Any = None

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks to the user."""
        return self.rank == 0

    def average_phase(self, parameters: Sequence[nn.Parameter], values: Sequence[Tensor]) -> list[Tensor]:
        """Average the gradients of a phase over ranks, in place, and return the means of values that ride along.

        A gradient that is missing on every rank stays None, because a zero would move Adam; one that is missing on
        some counts as zero there. Raises GanzooError when another rank is gone.
        """
        if self.count == 1:
            return list(values)
        dtype = torch.promote_types(parameters[0].dtype, torch.float32)
        device = parameters[0].device
        missing = [index for index, parameter in enumerate(parameters) if parameter.grad is None]
        present = torch.ones(len(parameters), dtype=dtype, device=device)
        for index in missing:
            parameters[index].grad = torch.zeros_like(parameters[index])
            present[index] = 0
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        parts = [present, *gradients, *values]
        flat = torch.cat([part.detach().reshape(-1).to(dtype) for part in parts])
        self._reduce(flat)
        averaged = [
            chunk.view(part.shape)
            for chunk, part in zip(torch.split(flat, [part.numel() for part in parts]), parts, strict=True)
        ]
        torch._foreach_copy_(gradients, averaged[1 : 1 + len(gradients)])
        if missing:  # only then is the device asked
            anywhere = (averaged[0] > 0).tolist()
            for index in missing:
                if not anywhere[index]:
                    parameters[index].grad = None
        return [value.to(part.dtype) for value, part in zip(averaged[-len(values) :], values, strict=True)]

    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Rank 0's values for everybody, in place. Raises GanzooError when another rank is gone."""
        if self.count > 1:
            with _contact(self.rank):
                for tensor in tensors:
                    whole = tensor.detach().contiguous()
                    dist.broadcast(whole, 0)
                    tensor.detach().copy_(whole)

    def gather(self, tensor: Tensor) -> Tensor:
        """The tensors of all ranks in order, concatenated. Raises GanzooError when another rank is gone."""
        if self.count == 1:
            return tensor
        parts = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for _ in range(self.count)]
        with _contact(self.rank):
            dist.all_gather(parts, tensor.detach().contiguous())
        return torch.cat(parts)

    def any_rank(self, *flags: bool) -> list[bool]:
        """For each flag, whether it is set on any rank. Asks the hosts, never the GPUs."""
        if self.count == 1:
            return list(flags)
        votes = torch.tensor([float(flag) for flag in flags])
        with _contact(self.rank):
            dist.all_reduce(votes, dist.ReduceOp.MAX, group=self.host_group)
        return [bool(vote) for vote in votes.tolist()]

    def broadcast_object(self, value: Any) -> Any:
        """Rank 0's value, a small Python object, for everybody."""
        if self.count == 1:
            return value
        box = [value]
        with _contact(self.rank):
            dist.broadcast_object_list(box, 0, group=self.host_group)
        return box[0]

    def gather_objects(self, value: Any) -> list[Any]:
        """The Python object of each rank, in their order, on all of them. Raises GanzooError when one is gone."""
        if self.count == 1:
            return [value]
        box: list[Any] = [None] * self.count
        with _contact(self.rank):
            dist.all_gather_object(box, value, group=self.host_group)
        return box

    def all_equal(self, value: int) -> bool:
        """Whether every rank has this very value: weights that drifted apart must not go unnoticed."""
        if self.count == 1:
            return True
        extremes = torch.tensor([value, -value])
        with _contact(self.rank):
            dist.all_reduce(extremes, dist.ReduceOp.MAX, group=self.host_group)
        return bool(extremes[0] == -extremes[1])

    def _reduce(self, flat: Tensor) -> None:
        with _contact(self.rank):
            work = dist.all_reduce(flat, async_op=True)
            # A processor that falls asleep between two messages wakes up late: 5.2 ms of a step became 3.3.
            until = time.monotonic() + _RESTLESS_SECONDS
            while flat.device.type == "cpu" and not work.is_completed() and time.monotonic() < until:
                _yield()
            work.wait()
        flat /= self.count


@contextlib.contextmanager
def _contact(rank: int) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError) as error:  # gloo raises plain RuntimeErrors
        raise GanzooError(
            f"Rank {rank} lost contact with another rank: {one_line(error, limit=160)}",
            hint="The rank that failed first says why. Go on from the last checkpoint with the same command and "
            "--resume RUN; torchrun --max-restarts N does so by itself.",
        ) from error


@contextlib.contextmanager
def joined_ranks(device: str) -> Iterator[Ranks]:
    """Join the processes that torchrun started, or be alone. `device` as in the [train] table.

    Raises RequestError when there are more processes than GPUs, GanzooError when the others cannot be reached.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Ranks()
        return
    _leave_with(os.getppid())
    rank, local_rank = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    on_gpu = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    if on_gpu:
        if ":" in device:
            raise RequestError(
                f"--device {device} names one GPU, and torchrun started {count} processes.", hint="Use --device cuda."
            )
        if local_rank >= torch.cuda.device_count():
            raise RequestError(
                f"torchrun started more processes than the {torch.cuda.device_count()} GPUs of this machine.",
                hint=f"Use --nproc-per-node {torch.cuda.device_count()}, or --device cpu.",
            )
        torch.cuda.set_device(local_rank)
    else:
        _keep_to_own_cores(local_rank, int(os.environ.get("LOCAL_WORLD_SIZE", str(count))))
    with _contact(rank):
        store, _, _ = next(iter(rendezvous("env://", timeout=_PATIENCE)))
        if os.environ.get("LOCAL_WORLD_SIZE") == str(count):
            # On one machine torchrun keeps one store for all its attempts, and the addresses that dead ranks left in
            # it send new ones to closed ports, now and then. (On several machines attempts are not numbered alike.)
            store = PrefixStore(f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
        dist.init_process_group(
            "nccl" if on_gpu else "gloo", store=store, rank=rank, world_size=count, timeout=_PATIENCE
        )
    host_group = dist.new_group(backend="gloo", timeout=_PATIENCE) if on_gpu else None
    yield Ranks(rank=rank, count=count, local_rank=local_rank, host_group=host_group)
    dist.destroy_process_group()  # not after an error: it would wait for the others, who may be gone


def _leave_with(parent: int) -> None:
    """When torchrun is killed it ends nobody; then this process stops as if asked to, and saves."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOKS_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_GRACE_SECONDS)
        os._exit(1)  # another rank is gone, and a message to it waits for ever

    if hasattr(os, "getppid") and os.name != "nt":
        threading.Thread(target=watch, name="ganzoo-torchrun", daemon=True).start()


def _keep_to_own_cores(local_rank: int, local_count: int) -> None:
    """Give each process of a machine a share of its cores, for good.

    Left to itself, Linux wakes the thread that receives for a waiting rank behind the computing thread of another,
    for a time slice: an exchange of 0.6 ms took 3 to 5 (measured, two ranks on two cores).
    """
    if not hasattr(os, "sched_setaffinity"):  # Linux alone has it
        return
    cores = sorted(os.sched_getaffinity(0))
    share = len(cores) // local_count
    if share:
        os.sched_setaffinity(0, cores[local_rank * share : (local_rank + 1) * share])


def restarted() -> bool:
    """Whether torchrun has started this command again after a failure."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0
