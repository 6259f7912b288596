"""Times of work as people say them."""

from __future__ import annotations


def duration_text(seconds: int) -> str:
    """For example 45 s, 4 min 5 s, 1 h 2 min."""
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
