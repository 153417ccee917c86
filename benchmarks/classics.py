"""What GANs and a variational autoencoder make of the digits: `python benchmarks/classics.py [--seconds 120]`.

Each with its own preset for them, two minutes, as `judged.py` does it. `tables.py` makes docs/objectives.md.
"""

from judged import Case, main

NAMES = ("gan", "dcgan", "wgan", "wgan-gp", "vae")

if __name__ == "__main__":
    cases = {name: Case(options=["--preset", "digits"], architecture=name) for name in NAMES}
    main(__doc__, "classics", "", cases, seconds=120.0)
