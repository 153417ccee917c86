"""`python -m ganzoo`, the same as the `ganzoo` command (torchrun needs the module form)."""

from ganzoo.cli import main

if __name__ == "__main__":
    main()
