"""What StyleGAN2 makes of the digits, of all and of 200: `python benchmarks/stylegan_digits.py [--seconds 600]`.

Ten minutes for each case, as `judged.py` does it. Of 200 digits the last checkpoint is judged: the score that chooses
the best one knows only these 200 and would be pleased by copies. The preset's strong R1 keeps the discriminator from
learning 200 digits by heart for ten minutes, so augmentation has nothing to do there; with a tenth of it, it has.
`tables.py` makes docs/stylegan.md.
"""

from judged import Case, main

PRESET = ["--preset", "digits"]
FEW = [*PRESET, "--data", "digits:200"]
WEAK = [*FEW, "--set", "penalty_weight=0.1"]
ADA = ["--set", "augment=ada", "--set", "augment_kimg=20", "--set", "augment_colour=false"]
CASES = {
    "all digits": Case(options=PRESET),
    "200 digits": Case(options=FEW, checkpoint="last"),
    "200 digits, weaker R1": Case(options=WEAK, checkpoint="last"),
    "200 digits, weaker R1, ADA": Case(options=[*WEAK, *ADA], checkpoint="last"),
}

if __name__ == "__main__":
    main(__doc__, "stylegan_digits", "stylegan2", CASES, seconds=600.0)
