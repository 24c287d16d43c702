"""`python -m poets_core`: the command line."""

from poets_core.cli import main

if __name__ == "__main__":
    main()
