"""One concept a file."""

from annotator.models.access_token import AccessToken
from annotator.models.annotation import Annotation, Revision
from annotator.models.assignment import Assignment
from annotator.models.block_side import BlockSide
from annotator.models.chore import Chore
from annotator.models.correction import Correction
from annotator.models.display_copy import DisplayCopy
from annotator.models.event import Event
from annotator.models.export import Export
from annotator.models.gold_patch import GoldPatch
from annotator.models.inference_job import InferenceJob
from annotator.models.invitation import Invitation
from annotator.models.kept_answer import KeptAnswer
from annotator.models.label_class import LabelClass
from annotator.models.label_import import LabelImport
from annotator.models.model_version import Evaluation, EvaluationMask, ModelVersion
from annotator.models.own_composite import OwnComposite
from annotator.models.parcel import Parcel, ParcelPiece, ParcelRebuild, ParcelUpdate
from annotator.models.patch import Patch, QueueEntry
from annotator.models.patch_tally import ClassTally, DayTally, PatchTally, TileCount
from annotator.models.patch_work import PatchClass, PatchWork
from annotator.models.project import Membership, Project
from annotator.models.proposal import Proposal
from annotator.models.ranking import Ranking
from annotator.models.reading import Comparison, DoubleAnnotation, Reading
from annotator.models.review import PinnedComment, Review
from annotator.models.scene import Scene
from annotator.models.spot_check import SpotCheck, SpotDraw
from annotator.models.training_run import TrainingRun

__all__ = [
    "AccessToken",
    "Annotation",
    "Assignment",
    "BlockSide",
    "Chore",
    "ClassTally",
    "Comparison",
    "Correction",
    "DayTally",
    "DisplayCopy",
    "DoubleAnnotation",
    "Evaluation",
    "EvaluationMask",
    "Event",
    "Export",
    "GoldPatch",
    "InferenceJob",
    "Invitation",
    "KeptAnswer",
    "LabelClass",
    "LabelImport",
    "Membership",
    "ModelVersion",
    "OwnComposite",
    "Parcel",
    "ParcelPiece",
    "ParcelRebuild",
    "ParcelUpdate",
    "Patch",
    "PatchClass",
    "PatchTally",
    "PatchWork",
    "PinnedComment",
    "Project",
    "Proposal",
    "QueueEntry",
    "Ranking",
    "Reading",
    "Review",
    "Revision",
    "Scene",
    "SpotCheck",
    "SpotDraw",
    "TileCount",
    "TrainingRun",
]
