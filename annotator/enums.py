"""States and, beside each, the table of its lawful transitions."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """What a person may do in one project."""

    ANNOTATOR = "annotator", _("annotator")
    LEAD = "lead", _("project lead")
    ML_STAFF = "ml_staff", _("ML staff")


class TokenScope(TextChoices):
    """What an access token lets a program do of what its owner may do."""

    READ = "read", _("read only")
    FULL = "full", _("read and write")


class PatchState(TextChoices):
    UNLABELLED = "unlabelled", _("unlabelled")
    CLAIMED = "claimed", _("claimed")
    SUBMITTED = "submitted", _("submitted")
    APPROVED = "approved", _("approved")
    RETURNED = "returned", _("returned")


PATCH_TRANSITIONS: dict[PatchState, frozenset[PatchState]] = {
    PatchState.UNLABELLED: frozenset({PatchState.CLAIMED}),
    # A claim that is released or expires puts the patch back where it came from.
    PatchState.CLAIMED: frozenset({PatchState.SUBMITTED, PatchState.UNLABELLED, PatchState.RETURNED}),
    PatchState.SUBMITTED: frozenset({PatchState.APPROVED, PatchState.RETURNED}),
    PatchState.RETURNED: frozenset({PatchState.CLAIMED}),
    # Only through a recorded reopening.
    PatchState.APPROVED: frozenset({PatchState.SUBMITTED}),
}


class ReadingPurpose(TextChoices):
    """What a blind answer to a patch is for."""

    SECOND = "second", "to draw a patch twice"
    GOLD = "gold", "to be compared with a gold patch"


class ReadingState(TextChoices):
    HELD = "held", "held"
    LAPSED = "lapsed", "given back or expired"
    SUBMITTED = "submitted", "submitted"


READING_TRANSITIONS: dict[ReadingState, frozenset[ReadingState]] = {
    ReadingState.HELD: frozenset({ReadingState.LAPSED, ReadingState.SUBMITTED}),
    # Whoever comes back to it goes on from the own drafts.
    ReadingState.LAPSED: frozenset({ReadingState.HELD}),
    ReadingState.SUBMITTED: frozenset(),
}


class SpotOutcome(TextChoices):
    """What came of a spot check: the first thing that a lead did with the patch after it was drawn."""

    OPEN = "open", "not looked at yet"
    PASSED = "passed", "passed"
    RETURNED = "returned", "returned"
    FIXED = "fixed", "drawn by the reviewer"


class DoubleState(TextChoices):
    """How far the double annotation of a patch is."""

    WANTED = "wanted", "waits for a second reading"
    AGREED = "agreed", "both agree"
    DISPUTED = "disputed", "waits for adjudication"
    SETTLED = "settled", "adjudicated"
    WITHDRAWN = "withdrawn", "the second reading was called off"


DOUBLE_TRANSITIONS: dict[DoubleState, frozenset[DoubleState]] = {
    DoubleState.WANTED: frozenset({DoubleState.AGREED, DoubleState.DISPUTED, DoubleState.WITHDRAWN}),
    DoubleState.DISPUTED: frozenset({DoubleState.SETTLED}),
    DoubleState.AGREED: frozenset(),
    DoubleState.SETTLED: frozenset(),
    DoubleState.WITHDRAWN: frozenset(),
}


class Decision(TextChoices):
    """What a reviewer makes of two masks that do not agree."""

    FIRST = "first", "the mask that was submitted first"
    SECOND = "second", "the second reading"


class Verdict(TextChoices):
    APPROVE = "approve", "approve"
    RETURN = "return", "return"


class SceneState(TextChoices):
    PENDING = "pending", _("waiting")
    INGESTING = "ingesting", _("being prepared")
    READY = "ready", _("ready")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


SCENE_TRANSITIONS: dict[SceneState, frozenset[SceneState]] = {
    SceneState.PENDING: frozenset({SceneState.INGESTING, SceneState.FAILED, SceneState.CANCELLED}),
    SceneState.INGESTING: frozenset(
        {SceneState.READY, SceneState.FAILED, SceneState.CANCELLED, SceneState.INGESTING}
    ),
    SceneState.READY: frozenset(),
    SceneState.FAILED: frozenset({SceneState.PENDING}),
    SceneState.CANCELLED: frozenset({SceneState.PENDING}),
}
ACTIVE_SCENE_STATES = (SceneState.PENDING, SceneState.INGESTING)


class JobState(TextChoices):
    """The state of an inference job or an export."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


JOB_TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED, JobState.FAILED}),
    JobState.RUNNING: frozenset({JobState.RUNNING, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}),
    JobState.SUCCEEDED: frozenset(),
    # Tried again.
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset(),
}
ACTIVE_JOB_STATES = (JobState.QUEUED, JobState.RUNNING)


class ChoreKind(TextChoices):
    """What every project wants done again and again."""

    RANKING = "ranking", "ranking of the queue"
    PARCELS = "parcels", "drawing of parcels"


class ImportState(TextChoices):
    """The state of an import of labels."""

    UPLOADED = "uploaded", _("uploaded")
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


IMPORT_TRANSITIONS: dict[ImportState, frozenset[ImportState]] = {
    ImportState.UPLOADED: frozenset({ImportState.QUEUED, ImportState.CANCELLED}),
    ImportState.QUEUED: frozenset({ImportState.RUNNING, ImportState.CANCELLED, ImportState.FAILED}),
    ImportState.RUNNING: frozenset(
        {ImportState.RUNNING, ImportState.SUCCEEDED, ImportState.FAILED, ImportState.CANCELLED}
    ),
    ImportState.SUCCEEDED: frozenset(),
    ImportState.FAILED: frozenset({ImportState.QUEUED}),
    ImportState.CANCELLED: frozenset(),
}


class ExportKind(TextChoices):
    """In which form the approved masks of a project are taken away."""

    GEOTIFF = "geotiff", _("GeoTIFF: one mosaic of all masks")
    CHIPS = "chips", _("PNG chips: one indexed image a patch")
    COCO = "coco", _("COCO: objects of each patch")
    GEOJSON = "geojson", _("GeoJSON: parcels")
    GEOPACKAGE = "geopackage", _("GeoPackage: parcels")
    GEOPARQUET = "geoparquet", _("GeoParquet: parcels by the fiboa conventions")
    STAC = "stac", _("STAC: a collection with the label extension")
    INSTRUCTION = "instruction", _("Instruction data set: chats with images and answers")


class RunState(TextChoices):
    """The state of a training run."""

    QUEUED = "queued", _("queued")
    TRAINING = "training", _("training")
    EVALUATING = "evaluating", _("evaluating")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


RUN_TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.TRAINING, RunState.CANCELLED, RunState.FAILED}),
    RunState.TRAINING: frozenset(
        {RunState.TRAINING, RunState.EVALUATING, RunState.FAILED, RunState.CANCELLED}
    ),
    RunState.EVALUATING: frozenset(
        {RunState.TRAINING, RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED}
    ),
    RunState.SUCCEEDED: frozenset(),
    RunState.FAILED: frozenset({RunState.QUEUED}),
    RunState.CANCELLED: frozenset(),
}
ACTIVE_RUN_STATES = (RunState.QUEUED, RunState.TRAINING, RunState.EVALUATING)


class VersionState(TextChoices):
    """The state of a model version."""

    CANDIDATE = "candidate", "candidate"
    PROMOTED = "promoted", "promoted"
    RETIRED = "retired", "retired"


VERSION_TRANSITIONS: dict[VersionState, frozenset[VersionState]] = {
    VersionState.CANDIDATE: frozenset({VersionState.PROMOTED, VersionState.RETIRED}),
    VersionState.PROMOTED: frozenset({VersionState.RETIRED}),
    # Rolling back promotes the previous version again.
    VersionState.RETIRED: frozenset({VersionState.PROMOTED}),
}


class Side(TextChoices):
    """What the labels of a block of patches are for; a block keeps its side."""

    TRAINING = "training", "to learn from"
    VALIDATION = "validation", "to validate and calibrate on"
    HOLDOUT = "holdout", "held out to measure versions on"


class Asks(TextChoices):
    """What a project asks an annotator to say of a patch."""

    PATCHES = "patches", "whole patches: every pixel has a class"
    POINTS = "points", "points: the classes of single cells all over the patch"


class Strategy(TextChoices):
    """By what a project ranks the patches of its labelling queue."""

    ENTROPY = "entropy", "mean entropy: the most uncertain patches first"
    TOP_ENTROPY = "top-entropy", "entropy of the least certain cells: small doubtful places count, too"
    CLASS_ENTROPY = "class-entropy", "entropy weighted by class: doubts about rare classes count more"
    MARGIN = "margin", "margin: where the two likeliest classes are nearly level"
    BOUNDARY = "boundary", "expected boundary error: where outlines are likely to be wrong"
    DIVERSITY = "diversity", "entropy and diversity: uncertain, and unlike what is labelled"
    SPREAD = "spread", "spatial spread: evenly over the area, whatever the model says"


class QueueReason(TextChoices):
    """Why a patch stands where it stands in the labelling queue."""

    ENTROPY = "entropy", _("most uncertain by token entropy")
    MARGIN = "margin", _("two classes are nearly level in many places")
    BOUNDARY = "boundary", _("its outlines are the likeliest to be wrong")
    NOVELTY = "novelty", _("uncertain, and unlike what has been labelled")
    AUDIT = "audit", _("drawn by chance, to measure by")
    SPREAD = "spread", _("spread over the area: not ranked by entropy yet")
    RETURNED = "returned", _("returned by a reviewer")


class ImageryProblem(TextChoices):
    """Why nothing can be drawn on a patch."""

    CLOUD = "cloud", _("clouds or their shadows")
    HAZE = "haze", _("hazy, blurred or noisy")
    MISSING = "missing", _("the imagery is missing here")
    OFFSET = "offset", _("the imagery is shifted")
    SEASON = "season", _("the season does not show the fields")
    OTHER = "other", _("something else")


class ParcelOrigin(TextChoices):
    """Who drew a parcel: what its masks started from, and what a person changed."""

    ACCEPTED = "accepted", "proposed by a model, accepted as it was"
    CORRECTED = "corrected", "proposed by a model, corrected"
    DRAWN = "drawn", "drawn by hand"
    IMPORTED = "imported", "imported"


class Ramp(TextChoices):
    """The colours of an expression's values, from low to high."""

    GREY = "grey", "grey: black to white"
    VEGETATION = "vegetation", "vegetation: sand to dark green"
    WATER = "water", "water: sand to dark blue"
    HEAT = "heat", "heat: black over red to light yellow"
    DIVERGING = "diverging", "diverging: blue over white to orange"
