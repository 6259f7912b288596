"""Loading the processor of any model that reads images and text, also where torchvision is not installed.

Some processors insist on a video processor, which needs torchvision; this method shows no videos, so such a
processor is loaded without it.
"""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig, AutoProcessor, Idefics3Processor
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

from mlservice.errors import BadModelFolder

STAND_INS = {"smolvlm": Idefics3Processor}
"""SmolVLM's processor needs another package to tell the time in videos; for images it does what this one does."""

IMAGE_OPTIONS: dict[str, dict[str, bool]] = {
    "idefics3": {"do_image_splitting": False},
    "smolvlm": {"do_image_splitting": False},
    "internvl": {"crop_to_patches": False},
}
"""Families that would cut an image into several unless told not to, which only lengthens the prompt here."""


def load_processor(base: str) -> Any:
    """The processor of a base model, with tokenizer, image processor and chat template.

    Raises BadModelFolder when it lacks one of them or needs torchvision; whatever transformers raises for a
    folder that holds no model goes through.
    """
    config = AutoConfig.from_pretrained(base)
    kind = STAND_INS.get(config.model_type) or PROCESSOR_MAPPING.get(type(config), None)
    try:
        processor = (_without_videos(kind) if kind else AutoProcessor).from_pretrained(base)
    except (ImportError, ValueError) as error:
        if "torchvision" not in str(error).lower():
            raise
        raise BadModelFolder(
            f"The model in “{base}” prepares its images with torchvision, which is not installed. Install it "
            "beside torch (pip install torchvision), or choose another model."
        ) from error
    if not hasattr(processor, "tokenizer") or not hasattr(processor, "image_processor"):
        raise BadModelFolder(
            f"The model in “{base}” comes without an image processor or without a tokenizer."
        )
    if not processor.chat_template and not getattr(processor.tokenizer, "chat_template", None):
        raise BadModelFolder(
            f"The model in “{base}” comes without a chat template, so it cannot be told what to do. Choose "
            "the instruction-tuned variant of it."
        )
    return processor


def _without_videos(kind: Any) -> Any:
    """The processor's class, without its video processor if it has one."""
    attributes = [name for name in kind.get_attributes() if name != "video_processor"]
    if len(attributes) == len(kind.get_attributes()):
        return kind
    return type(kind.__name__, (kind,), {"get_attributes": classmethod(lambda _: attributes)})
