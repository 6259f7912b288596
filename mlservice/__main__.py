"""``python -m mlservice`` is ``milpa-ml``."""

import sys

from mlservice.cli import main

sys.exit(main())
