"""`python -m tsfeat`: the same as the `tsfeat` command."""

import sys

from tsfeat.cli import main

if __name__ == "__main__":
    sys.exit(main())
