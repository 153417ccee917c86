"""The tables of docs/importing.md: counted from the configurations that the plugins' tests import one by one.

`python tests/test_import_table.py` writes them anew.
"""

import importlib.util
import re
import sys
from pathlib import Path

from ganzoo_stylegan import arguments

from ganzoo.families import FAMILIES
from ganzoo.plugin.registry import Registry

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "importing.md"


def module_of(plugin, name="test_every_configuration"):
    """A plugin's test module, for what it enumerates."""
    path = ROOT / "plugins" / plugin / "tests" / f"{name}.py"
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))  # what it imports beside it
    spec = importlib.util.spec_from_file_location(f"{name}_of_{plugin.replace('-', '_')}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def configurations():
    """(what a command line makes, of which options, how many, how many are read, what the rest is refused as)."""
    translation, stylegan = module_of("ganzoo-cyclegan"), module_of("ganzoo-stylegan")
    dcgan = module_of("ganzoo-dcgan", "test_every_configuration_dcgan")
    generators = len(translation.CONFIGURATIONS) * len(translation.CHANNELS) ** 2
    colours = {channels for *_, channels in dcgan.CONFIGURATIONS}
    each = len(stylegan.SIZES) * 2 * 2 * 2  # --cond, --fp32, grey or colour
    return [
        (
            "pytorch-CycleGAN-and-pix2pix, generators",
            "`--netG`, `--norm`, dropout, `--input_nc`, `--output_nc`; any `--ngf`; for `cyclegan` and `pix2pix` alike",
            generators, generators, "",
        ),
        (
            "the same, discriminators",
            "`--netD basic`, `n_layers`, `pixel`, each with three norms", 9, 0,
            "PatchGAN discriminator, or as no generator",
        ),
        (
            "pytorch/examples, `dcgan`",
            "netG alone or with netD, grey or colour; any `--nz`, `--ngf`, `--ndf`",
            2 * len(colours), 2 * len(colours), "",
        ),
        ("the same, netD alone", "grey or colour", len(colours), 0, "a discriminator without its generator"),
        (
            "stylegan2-ada-pytorch",
            "`--cfg` (six), 32 to 1024 pixels, `--cond`, `--fp32`, grey or colour; any `--freezed`, `--aug`, `--gamma`",
            len(stylegan.ADA) * each, len(stylegan.ADA) * each, "",
        ),
        (
            "stylegan3, `--cfg=stylegan2`",
            "32 to 1024 pixels, `--cond`, `--fp32`, grey or colour; any `--map-depth`, `--mbstd-group`, `--cbase`",
            each, each, "",
        ),
        ("stylegan3, `--cfg=stylegan3-t` and `stylegan3-r`", "the same", 2 * each, 0, "StyleGAN3"),
    ]  # fmt: skip


def table_of_configurations():
    rows = ["| official code | options | can make | read exactly | refused | as |", "|---|---|---|---|---|---|"]
    for code, options, made, read, what in configurations():
        rows.append(f"| {code} | {options} | {made} | {read} | {made - read} | {what or '-'} |")
    return rows


def table_of_arguments():
    rows = ["| of | argument | here | what it is | admitted |", "|---|---|---|---|---|"]
    for of, table in (
        ("G", arguments.GENERATOR),
        ("G's mapping", arguments.MAPPING),
        ("G's synthesis", arguments.SYNTHESIS),
        ("D", arguments.DISCRIMINATOR),
        ("D's blocks", arguments.BLOCK),
        ("D's mapping", arguments.DISCRIMINATOR_MAPPING),
        ("D's last layers", arguments.EPILOGUE),
    ):
        rows += [
            f"| {of} | `{name}` | {argument.effect} | {argument.meaning} | {argument.expected or 'any'} |"
            for name, argument in table.items()
        ]
    return rows


def table_of_families():
    readers = {}
    for offer in Registry.load().architectures:
        for family in offer.spec.families:
            readers.setdefault(family, []).append(f"`{offer.spec.name}`")
    names = dict.fromkeys(name for name, _ in FAMILIES)
    return ["| family | read by |", "|---|---|"] + [
        f"| {name} | {', '.join(readers.get(name, ['none of ours']))} |" for name in names
    ]


TABLES = {
    "configurations": table_of_configurations,
    "arguments": table_of_arguments,
    "families": table_of_families,
}


def rewritten(page):
    for name, table in TABLES.items():
        begin, end = f"<!-- {name}: made by tests/test_import_table.py -->", "<!-- end -->"
        pattern = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.S)
        assert pattern.search(page), name
        rows = "\n".join(table())
        page = pattern.sub(lambda match, rows=rows: f"{match[1]}{rows}\n{match[2]}", page)
    return page


def test_the_page_says_what_the_tests_enumerate():
    page = PAGE.read_text(encoding="utf-8")
    assert rewritten(page) == page, "write it anew: python tests/test_import_table.py"


def test_every_argument_is_read_or_has_a_reason():
    for table in (getattr(arguments, name) for name in vars(arguments) if name.isupper() and name[0] != "_"):
        for name, argument in table.items():
            assert argument.meaning, name
            assert (argument.admits is None) == (argument.effect == "no effect") == (not argument.expected), name


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
