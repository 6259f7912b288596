"""How every program here fails: one sentence that names the remedy, and no traceback."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable


class Failure(Exception):
    """A failure told to the user in one sentence that names the remedy."""


class Stopped(Exception):
    """The user or the system asked this program to end (Ctrl-C, SIGTERM, a closed terminal)."""


def told(main: Callable[[], int]) -> int:
    """Run a program; turn its failure into a sentence on stderr and an exit code."""
    try:
        return main()
    except Failure as failure:
        print(f"\nmilpa: {failure}", file=sys.stderr)
        return 1
    except (Stopped, KeyboardInterrupt):
        return 130
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        print(f"\nmilpa: {_file_sentence(error)}", file=sys.stderr)
        return 1


def _file_sentence(error: OSError) -> str:
    """The remedy for a file system that refuses to take a file."""
    where = error.filename or "A file"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where} cannot be written because the disk is full: free some space, then run this again."
    return (
        f"{where} cannot be written by this user ({error.strerror}): change its owner, or run this "
        "in a folder of your own."
    )
