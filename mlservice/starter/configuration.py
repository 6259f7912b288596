"""Configurations of the starter's vision tower and of the whole starter, as transformers keeps them."""

from __future__ import annotations

from typing import Any

from transformers import CONFIG_MAPPING, AutoConfig, PretrainedConfig


class MilpaVisionConfig(PretrainedConfig):
    """The convolutional pyramid.

    The first stage works on squares of ``stem_px`` pixels. ``stage_channels`` are the widths of the stages,
    each at half the resolution of the one before; ``token_channels`` is the width of the tokens it gives,
    one for each square of ``cell_px`` pixels.
    """

    model_type = "milpa_vision"

    def __init__(
        self,
        stem_px: int = 2,
        stage_channels: tuple[int, ...] = (32, 64, 128, 128),
        token_channels: int = 128,
        cell_px: int = 4,
        **kwargs: Any,
    ) -> None:
        self.stem_px = stem_px
        self.stage_channels = list(stage_channels)
        self.token_channels = token_channels
        self.cell_px = cell_px
        super().__init__(**kwargs)


class MilpaConfig(PretrainedConfig):
    """A tower, a projector and a causal language model that answers all cells of a token patch at once.

    ``context_grid`` squared is the number of image tokens that stand for the whole context image;
    ``patch_cells`` is the side of a token patch in cells. ``image_token_id`` marks an image token's place
    in the prompt, ``cell_token_id`` the place of a cell's answer.
    """

    model_type = "milpa"
    sub_configs = {"vision_config": AutoConfig, "text_config": AutoConfig}

    def __init__(
        self,
        vision_config: dict[str, Any] | PretrainedConfig | None = None,
        text_config: dict[str, Any] | PretrainedConfig | None = None,
        context_grid: int = 8,
        patch_cells: int = 16,
        image_token_id: int = 4,
        cell_token_id: int = 5,
        **kwargs: Any,
    ) -> None:
        self.vision_config = _as_config(vision_config, "milpa_vision")
        self.text_config = _as_config(text_config, "llama")
        self.context_grid = context_grid
        self.patch_cells = patch_cells
        self.image_token_id = image_token_id
        self.cell_token_id = cell_token_id
        kwargs.setdefault("tie_word_embeddings", False)
        super().__init__(**kwargs)


def _as_config(value: dict[str, Any] | PretrainedConfig | None, default_type: str) -> PretrainedConfig:
    """A sub-configuration from its JSON form; the class is found by its ``model_type``."""
    if isinstance(value, PretrainedConfig):
        return value
    settings = dict(value or {})
    if (model_type := settings.pop("model_type", default_type)) == MilpaVisionConfig.model_type:
        return MilpaVisionConfig(**settings)
    return CONFIG_MAPPING[model_type](**settings)
