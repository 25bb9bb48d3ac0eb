"""`python -m iosim` is the same as `iosim`."""

import sys

from iosim.cli import main

sys.exit(main())
