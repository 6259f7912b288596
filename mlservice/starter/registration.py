"""Makes transformers' Auto classes know the starter's classes."""

from __future__ import annotations

from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModel,
    AutoModelForImageTextToText,
    AutoProcessor,
)

from mlservice.starter.configuration import MilpaConfig, MilpaVisionConfig
from mlservice.starter.modeling import MilpaForImageTextToText, MilpaVisionModel
from mlservice.starter.processing import MilpaImageProcessor, MilpaProcessor


def register_starter() -> None:
    """Register configuration, model and processor; harmless when done twice."""
    AutoConfig.register("milpa_vision", MilpaVisionConfig, exist_ok=True)
    AutoConfig.register("milpa", MilpaConfig, exist_ok=True)
    AutoModel.register(MilpaVisionConfig, MilpaVisionModel, exist_ok=True)
    AutoModelForImageTextToText.register(MilpaConfig, MilpaForImageTextToText, exist_ok=True)
    AutoImageProcessor.register(
        MilpaConfig, image_processor_classes={"pil": MilpaImageProcessor}, exist_ok=True
    )
    AutoProcessor.register(MilpaConfig, MilpaProcessor, exist_ok=True)
