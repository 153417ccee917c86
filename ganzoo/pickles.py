"""A pickle is a program; here it is counted before anybody runs it.

An unpickler that calls nothing forbidden can still be made to work for ever: nine bytes that name the memo's slot
four billion, a length that no file has, a tuple of twice the tuple before it that is then a key (hashing sixty of those
takes longer than anybody lives). All of it is in the operations and can be added up.
"""

from __future__ import annotations

import pickletools
from typing import Any, BinaryIO

MOST_OPERATIONS = 1_500_000
"""Of one pickle; a network of ten thousand tensors has some hundred thousand."""

_MOST_WEIGHT = 10_000_000  # of one value: what walking it, or hashing it, visits
_MOST_WORK = 100_000_000  # of all values that are put into others
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_GROWING = frozenset({"APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD"})
_REGISTERED = frozenset({"EXT1", "EXT2", "EXT4"})


class _Weight:
    """Of a value on the stack: how many parts walking it meets. One that grows later, a list, grows in the memo too."""

    __slots__ = ("parts",)

    def __init__(self, parts: int) -> None:
        self.parts = parts


def check_pickle(stream: BinaryIO, *, without: frozenset[str] = frozenset()) -> None:
    """Read one pickle of a stream that knows its end, and stop behind it.

    without: functions that it may not name, as `module name`: those that make much of little.
    Raises ValueError for one that is damaged, refers to what it does not hold, or would take too long.
    """
    stack: list[_Weight | None] = []  # None is a mark
    memo: dict[int, _Weight | None] = {}
    work = 0
    for count, (operation, argument, _) in enumerate(pickletools.genops(stream)):
        if count > MOST_OPERATIONS:
            raise ValueError(f"its pickle has more than {MOST_OPERATIONS:,} operations")
        name = operation.name
        if name in _PUTS or name == "MEMOIZE":
            place = len(memo) if name == "MEMOIZE" else int(str(argument))
            if place > count or not stack:
                raise ValueError(f"its pickle remembers a value under the number {place:,}, and has {count:,} values")
            memo[place] = stack[-1]
        elif name in _GETS:
            place = int(str(argument))
            if place not in memo:
                raise ValueError("its pickle asks for a value that it does not have")
            stack.append(memo[place])
        elif name == "GLOBAL" and argument in without:
            raise ValueError(f"its pickle calls {'.'.join(str(argument).split())}, which weights do not need")
        elif name in _REGISTERED:
            raise ValueError("its pickle asks for a registered extension")
        elif name == "DUP":
            stack += [_pop(stack)] * 2
        else:
            work += _apply(operation, stack)
            if work > _MOST_WORK:
                raise ValueError("its pickle puts the same values into others too often")


def _apply(operation: Any, stack: list[_Weight | None]) -> int:
    """What an operation takes from the stack and puts on it; how many parts it has to do with."""
    taken = _take(operation, stack)
    parts = sum(weight.parts for weight in taken)
    if parts > _MOST_WEIGHT:
        raise ValueError(
            f"its pickle holds one value of more than {_MOST_WEIGHT:,} parts, each counted as often as met"
        )
    made = _Weight(1 + parts)
    if operation.name in _GROWING and taken:
        made = taken[-1]  # the lowest of the stack
        made.parts = parts
    for kind in operation.stack_after:
        stack.append(None if kind is pickletools.markobject else made)
    return parts


def _take(operation: Any, stack: list[_Weight | None]) -> list[_Weight]:
    before, taken = operation.stack_before, list[_Weight]()
    count = len(before)
    if pickletools.markobject in before or (operation.name == "POP" and stack and stack[-1] is None):
        while stack and (weight := stack.pop()) is not None:
            taken.append(weight)
        count = before.index(pickletools.markobject) if pickletools.markobject in before else 0
    return taken + [_pop(stack) for _ in range(count)]


def _pop(stack: list[_Weight | None]) -> _Weight:
    weight = stack.pop() if stack else None
    if weight is None:
        raise ValueError("its pickle is damaged: it takes a value that is not there")
    return weight
