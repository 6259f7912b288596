import sys

from milpa.cli import main

sys.exit(main())
