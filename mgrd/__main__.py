"""`python -m mgrd`: the same as the `mgrd` command."""

from mgrd.cli import main

if __name__ == "__main__":
    main()
