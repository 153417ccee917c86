"""What StyleGAN2 makes of the digits, of all and of 200: `python benchmarks/stylegan_digits.py [--seconds 600]`.

Ten minutes for each case, as `judged.py` does it. Of 200 digits the last checkpoint is judged: the score that chooses
the best one knows only these 200 and would be pleased by copies. `tables.py` makes docs/stylegan.md.
"""

from judged import Case, main

PRESET = ["--preset", "digits"]
FEW = [*PRESET, "--data", "digits:200"]
CASES = {
    "all digits": Case(options=PRESET),
    "200 digits": Case(options=FEW, checkpoint="last"),
    "200 digits, ADA": Case(
        options=[*FEW, "--set", "augment=ada", "--set", "augment_kimg=20"],
        checkpoint="last",
    ),
}

if __name__ == "__main__":
    main(__doc__, "stylegan_digits", "stylegan2", CASES, seconds=600.0)
