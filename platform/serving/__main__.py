"""`python -m serving`."""

import sys

from serving.cli.root import main

if __name__ == "__main__":
    sys.exit(main())
