"""What is counted of a project's patches, so that nobody has to count them: by state, coarse tile, class and day."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from annotator.models.project import Project


class PatchTally(models.Model):
    """A change of how many patches of a coarse tile are in a state, that no sweep has added up yet.

    A trigger adds a row with every change of a state, so that nobody waits for a counter that others write;
    a sweep adds the rows to the `TileCount` of the tile and of every tile above it. A count is both together.
    """

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    tile = models.CharField(max_length=24, help_text="The quadkey of the tile two levels above its patches.")
    state = models.CharField(max_length=12)
    change = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["project", "tile", "state"], include=["change"], name="tally_by_tile")
        ]

    def __str__(self) -> str:
        return f"{self.tile} {self.state} {self.change:+}"


class TileCount(models.Model):
    """How many patches of a coarse tile were in a state when tallies were added up last.

    Coarse tiles are those two and more levels above the patches, up to the whole world (level 0).
    """

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    level = models.PositiveSmallIntegerField(
        help_text="The tile's zoom: the number of digits of its quadkey."
    )
    quadkey = models.CharField(max_length=24, blank=True)
    state = models.CharField(max_length=12)
    patches = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "level", "quadkey", "state"], name="a_tile_has_one_count_of_a_state"
            )
        ]

    def __str__(self) -> str:
        return f"{self.quadkey} {self.state}: {self.patches}"


class ClassTally(models.Model):
    """A change of how much of the approved land is of a class; the sum of a class's rows is how much there is.

    A trigger adds rows when a patch becomes approved or is no longer, and when the classes of an approved one change.
    """

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    value = models.PositiveSmallIntegerField()
    patches = models.BigIntegerField(help_text="Approved patches that have the class.")
    area_dm2 = models.BigIntegerField(
        help_text="Square decimetres on the ellipsoid. Whole numbers, so that what is taken away is what was added."
    )

    class Meta:
        indexes = [models.Index(fields=["project", "value"], name="tally_by_class")]

    def __str__(self) -> str:
        return f"class {self.value} {self.patches:+}"


class DayTally(models.Model):
    """A change of how many patches an annotator submitted on a day; the sum of a day's rows is how many there are.

    A trigger adds rows as `PatchWork` changes: a patch counts once, on the day (UTC) of its last submission. Labels
    that were imported are nobody's work.
    """

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    day = models.DateField()
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    patches = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["project", "day"], name="tally_by_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.patches:+}"
