"""What each objective makes of DCGAN on the digits: `python benchmarks/objectives.py [--seconds 120]`.

Two minutes for each, as `judged.py` does it. `tables.py` makes docs/objectives.md.
"""

from judged import Case, main

CASES = {
    "minimax": ["digits", "objective=minimax"],
    "non-saturating": ["digits"],
    "least-squares": ["digits", "objective=least-squares"],
    "hinge": ["digits", "objective=hinge"],
    "hinge, spectral norm": ["digits", "objective=hinge", "spectral_norm=true"],
    "relativistic": ["digits", "objective=relativistic"],
    "wasserstein, clipped weights": ["digits-wasserstein"],
    "wasserstein, gradient penalty": ["digits-wgan-gp"],
}


def _case(preset, *assignments):
    return Case(options=["--preset", preset, *(part for text in assignments for part in ("--set", text))])


if __name__ == "__main__":
    cases = {name: _case(*settings) for name, settings in CASES.items()}
    main(__doc__, "objectives", "dcgan", cases, seconds=120.0)
