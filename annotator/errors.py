"""What a person or a client can get wrong, each with a stable code and a sentence that names the remedy.

`annotator.api.problems` turns them into RFC 9457 problem details, pages into a sentence.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop as _


class MilpaError(Exception):
    """The base of all errors whose message is shown to the person. ``facts`` travel with the problem."""

    code = "error"
    status = 400
    title = _("That cannot be done")

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class IllegalTransition(MilpaError):
    code = "illegal-transition"
    status = 409
    title = _("Not possible in this state")


class NotAllowed(MilpaError):
    code = "not-allowed"
    status = 403
    title = _("Your role does not allow this")


class ClaimLost(MilpaError):
    code = "claim-lost"
    status = 409
    title = _("You no longer hold this patch")


class SecondReadingOpen(MilpaError):
    code = "second-reading-open"
    status = 409
    title = "A second mask is still to come"


class Disputed(MilpaError):
    code = "disputed"
    status = 409
    title = "Two people do not agree on this patch"


class ClaimsExhausted(MilpaError):
    """``facts`` hold the ``limit``."""

    code = "claims-exhausted"
    status = 409
    title = _("You hold enough patches")


class OtherPerson(MilpaError):
    """The work was drawn by somebody else than who is signed in now."""

    code = "other-person"
    status = 403
    title = _("Somebody else is signed in")


class RevisionConflict(MilpaError):
    """Someone saved in between; ``facts`` hold the current revision's number so that both can be shown."""

    code = "revision-conflict"
    status = 412
    title = _("The patch was saved by someone else in the meantime")


class BadMask(MilpaError):
    code = "bad-mask"
    status = 422
    title = _("The mask cannot be saved")


class BadProject(MilpaError):
    code = "bad-project"
    status = 422
    title = "The project cannot be saved"


class BadScene(MilpaError):
    """The scene's file cannot be used; each subclass is its own answer."""

    code = "bad-scene"
    status = 422
    title = "The scene cannot be used"


class BadComposite(MilpaError):
    """``facts`` hold the ``field``, where one is wrong, and of an expression the character ``at``, from 1."""

    code = "bad-composite"
    status = 422
    title = "The band combination cannot be used"


class AlreadyActive(MilpaError):
    """One active job or run a project; ``facts`` hold the active one's id."""

    code = "already-active"
    status = 409
    title = "One is already under way"


class NothingToTrainOn(MilpaError):
    code = "nothing-to-train-on"
    status = 422
    title = "There is nothing to train on"


class BadConfig(MilpaError):
    """``facts`` hold the ``field`` of the config, None where the error is of no single one."""

    code = "bad-config"
    status = 422
    title = "The training config cannot be used"


class CannotRebuild(MilpaError):
    code = "cannot-rebuild"
    status = 409
    title = "The version cannot be rebuilt"


class NotReady(MilpaError):
    code = "not-ready"
    status = 409
    title = "Not ready yet"


class GateNotPassed(MilpaError):
    """``facts`` hold the gate's verdict, None where it was not asked."""

    code = "gate-not-passed"
    status = 409
    title = "The gate did not let this version pass"


class BadRule(MilpaError):
    """``facts`` hold the ``field`` of the rule."""

    code = "bad-rule"
    status = 422
    title = "The rules cannot be saved"


class BadAssignment(MilpaError):
    """``facts`` may hold the ``field``."""

    code = "bad-assignment"
    status = 422
    title = "The area cannot be assigned"


class CommentMissing(MilpaError):
    code = "comment-missing"
    status = 422
    title = _("Say why")


class InvitationOver(MilpaError):
    code = "invitation-over"
    status = 410
    title = _("The invitation is over")


class BadExport(MilpaError):
    """``facts`` hold the ``field`` of the parameters, None where the error is of no single one."""

    code = "bad-export"
    status = 422
    title = "The export cannot be made"


class NothingToExport(MilpaError):
    code = "nothing-to-export"
    status = 422
    title = "There is nothing to export"


class FileGone(MilpaError):
    code = "file-gone"
    status = 410
    title = "The file is not kept any more"


class TooLarge(MilpaError):
    """A request is longer than anything that is taken at its address; nothing of it was received."""

    code = "too-large"
    status = 413
    title = "The request is too large"


class BadLabels(MilpaError):
    """A file of labels cannot be used, or not in the way that was asked for."""

    code = "bad-labels"
    status = 422
    title = "The labels cannot be imported"


class KeyUsed(MilpaError):
    code = "key-used"
    status = 422
    title = "The key belongs to another request"


class StillAnswering(MilpaError):
    code = "still-answering"
    status = 409
    title = "The same request is being answered"


class TooManyTiles(MilpaError):
    code = "too-many-tiles"
    status = 422
    title = "Choose other tiles"
