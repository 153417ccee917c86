"""What a minute of training on the digits gives: `python benchmarks/digits.py [--seconds 60]`.

DCGAN with three seeds, as `judged.py` does it; `--pictures` keeps a grid of each. `tables.py` makes README.md.
"""

from judged import Case, main

CASES = {f"seed {seed}": Case(options=["--preset", "digits", "--seed", str(seed)]) for seed in range(3)}

if __name__ == "__main__":
    main(__doc__, "digits", "dcgan", CASES, seconds=60.0)
