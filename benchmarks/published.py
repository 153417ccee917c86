"""What the plugins of this repository offer: `make published` writes ganzoo/plugin/published.json, CI compares."""

import argparse
import json
import sys
import tomllib
from pathlib import Path

from ganzoo.plugin.registry import Registry

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "ganzoo" / "plugin" / "published.json"


def published() -> str:
    """The file's text. Raises KeyError for a plugin that is not installed."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("plugins/*/pyproject.toml"))]
    names = [tomllib.loads(text)["project"]["name"] for text in texts]
    offers: dict[str, dict[str, list[str]]] = {}
    for report in Registry.load().plugins:
        if report.distribution in names:
            for kind, offered in report.offers.items():
                if offered:
                    offers.setdefault(report.distribution, {}).setdefault(kind, []).extend(offered)
    for text in texts:
        project = tomllib.loads(text)["project"]
        offers[project["name"]]["modules"] = list(project["entry-points"]["ganzoo"].values())
    return json.dumps({name: offers[name] for name in names}, indent=1) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="Compare, and write nothing.")
    arguments = parser.parse_args()
    text = published()
    if not arguments.check:
        TARGET.write_text(text, encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != text:
        sys.exit(f"{TARGET.name} is not what the plugins offer; run: make published")


if __name__ == "__main__":
    main()
