"""What can be wrong with a scene's file or with the place it is fetched from; each has its own code."""

from __future__ import annotations

from annotator.errors import BadScene


class SourceRefused(BadScene):
    """The file lies where this installation does not read."""

    code = "scene-source-refused"


class DownloadFailed(BadScene):
    code = "scene-download-failed"


class SceneTooLarge(BadScene):
    code = "scene-too-large"


class ArchivedScene(BadScene):
    code = "scene-is-an-archive"


class NotARaster(BadScene):
    code = "scene-not-a-raster"


class RefersElsewhere(BadScene):
    """The file would make the server open other files."""

    code = "scene-refers-elsewhere"


class DamagedScene(BadScene):
    """Truncated or corrupt."""

    code = "scene-damaged"


class ImplausibleSize(BadScene):
    """Few bytes that promise very many pixels."""

    code = "scene-implausible-size"


class TooManyBands(BadScene):
    code = "scene-too-many-bands"


class UnsupportedPixels(BadScene):
    code = "scene-unsupported-pixels"


class NotGeoreferenced(BadScene):
    code = "scene-not-georeferenced"


class Misplaced(BadScene):
    """The georeference puts the scene where no map reaches."""

    code = "scene-misplaced"


class UnsuitableResolution(BadScene):
    code = "scene-unsuitable-resolution"


class EmptyScene(BadScene):
    code = "scene-is-empty"


class NoOverlap(BadScene):
    code = "scene-without-overlap"


class NoSpaceLeft(BadScene):
    code = "no-space-left"
    status = 507
    title = "There is no space left"


class PartsDiffer(BadScene):
    """Files that are to be one mosaic do not go together."""

    code = "scene-parts-differ"


class SceneFileGone(BadScene):
    """The scene was ready once, but its file cannot be read any more."""

    code = "scene-file-gone"
    status = 410
    title = "The scene's file cannot be read any more"
