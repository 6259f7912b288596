"""How each kind of model is asked about cells: one engine ("family") for every way of building such models."""

from mlservice.families.family import Answers, Family

__all__ = ["Answers", "Family"]
