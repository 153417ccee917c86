"""A comparison for people, for a pull request, and for a CI server."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ganzoo.errors import printable
from ganzoo.runtime.comparison.comparison import HEADINGS, Comparison

JUNIT_BEGINNING = b'<testsuite name="ganzoo compare"'
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def markdown(found: Comparison) -> str:
    """A table and a list, as a comment on a pull request."""
    marks = {"faster": "🟢 ", "slower": "🔴 ", "same": "⚪ ", "undecided": "🟡 "}
    out = [
        f"**{_summary(found)}** · {', '.join(map(cell, found.names))}",
        "",
        f"| {' | '.join(HEADINGS)} |",
        f"|{'---|' * len(HEADINGS)}",
    ]
    for one, cells in zip(found.pairs, found.table()[1], strict=True):
        cells[-1] = marks[one.verdict] + cells[-1]
        out.append(f"| {' | '.join(map(cell, cells))} |")
    out.append("")
    out += [f"- {cell(line)}" for line in found.lines()]
    return "\n".join(out).rstrip() + "\n"


def junit(found: Comparison) -> str:
    """A test case for each pair; one of a broken gate fails, one that is undecided is skipped unless that fails."""
    suite = ElementTree.Element("testsuite", name="ganzoo compare", tests=str(len(found.pairs)))
    failed = {(id(one), gate.gate) for one, gate in found.failed}
    failures = 0
    for one in found.pairs:
        case = ElementTree.SubElement(suite, "testcase", name=_xml(one.title), classname="ganzoo.compare")
        bad = [gate for gate in one.gates if (id(one), gate.gate) in failed]
        if bad:
            failures += 1
            text = "; ".join(f"{gate.gate}: {gate.kept}: {gate.said}" for gate in bad)
            ElementTree.SubElement(case, "failure", message=_xml(text))
        elif one.verdict == "undecided" and not one.gates:
            ElementTree.SubElement(case, "skipped", message=_xml(one.why or "undecided"))
        ElementTree.SubElement(case, "system-out").text = _xml(
            " ".join([*one.figures(), one.shown_ratio(), one.verdict])
        )
    suite.set("failures", str(failures))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _summary(found: Comparison) -> str:
    counts = {
        verdict: sum(one.verdict == verdict for one in found.pairs)
        for verdict in ("faster", "slower", "same", "undecided")
    }
    gates = f"; {len(found.failed)} gates failed" if found.failed else ""
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) + gates


def cell(text: str) -> str:
    """In a table of Markdown, where names of strangers are text and nothing else."""
    return re.sub(r"([\\`*_{}\[\]<>|#@!])", r"\\\1", printable(text))


def _xml(text: str) -> str:
    """Without what XML cannot hold."""
    return _NOT_XML.sub("?", text)
