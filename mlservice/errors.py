"""What can go wrong in the method, each with a sentence that a person can act on."""


class MethodError(Exception):
    """The base of all errors whose message is shown to the user."""


class BadModelFolder(MethodError):
    """The folder or hub name holds no model that can be loaded."""


class BadLegend(MethodError):
    """The legend cannot be said in class tokens by this model."""


class BadImage(MethodError):
    """The image is not what the model reads."""


class NothingToLearn(MethodError):
    """The approved masks cannot teach anything: none, or one class only."""


class TrainingDiverged(MethodError):
    """The loss is no longer a number."""


class Cancelled(MethodError):
    """Raised by a caller's progress function to end the work within a step."""
