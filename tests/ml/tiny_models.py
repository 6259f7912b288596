"""Small models with random weights, each of a real architecture, saved as a hub would keep them.

The tokenizer is a byte-level BPE as the real ones are, trained on the legend's words, with the special tokens
that the architecture's processor looks for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForImageTextToText, PreTrainedTokenizerFast

from mlservice.legend import KNOWN_WORDS

COLOURS = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 2048,
}
VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
TURNS = (
    "{{% for message in messages %}}{start}{{{{ message['role'] }}}}\n{{% for part in message['content'] %}}"
    "{{% if part['type'] == 'image' %}}{image}{{% else %}}{{{{ part['text'] }}}}{{% endif %}}{{% endfor %}}"
    "{end}\n{{% endfor %}}{{% if add_generation_prompt %}}{start}assistant\n{{% endif %}}"
)


@dataclass(frozen=True)
class Recipe:
    """What a family's checkpoint is made of; ``config`` gets the tokenizer's vocabulary and ids."""

    config: Callable[[Tokens], Any]
    image_processor: str
    image_settings: dict[str, Any]
    processor: str
    special: tuple[str, ...]
    template: str
    named_tokens: dict[str, str] = field(default_factory=dict)
    processor_settings: dict[str, Any] = field(default_factory=dict)


class Tokens:
    """The trained tokenizer, and what a configuration needs to know of it."""

    def __init__(self, special: tuple[str, ...], named_tokens: dict[str, str]) -> None:
        bpe = Tokenizer(models.BPE())
        bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        bpe.decoder = decoders.ByteLevel()
        words = [*KNOWN_WORDS, "user", "assistant", "class", "classes"]
        trainer = trainers.BpeTrainer(
            vocab_size=900,
            special_tokens=["<pad>", "<s>", "</s>", *special],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        bpe.train_from_iterator([*words * 40, *(f"{word}, {word}: {word}" for word in words * 10)], trainer)
        self.tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=bpe,
            pad_token="<pad>",
            bos_token="<s>",
            eos_token="</s>",
            extra_special_tokens=named_tokens,
        )
        self.vocab_size = len(self.tokenizer) + 8
        """Real models have more rows of embeddings than tokens, too."""

    def id_of(self, token: str) -> int:
        return int(self.tokenizer.convert_tokens_to_ids(token))


def _text(tokens: Tokens, **more: Any) -> dict[str, Any]:
    """A decoder's settings."""
    return {
        **TEXT,
        "vocab_size": tokens.vocab_size,
        "pad_token_id": tokens.id_of("<pad>"),
        "bos_token_id": tokens.id_of("<s>"),
        "eos_token_id": tokens.id_of("</s>"),
        **more,
    }


def _llava(tokens: Tokens) -> Any:
    return transformers.LlavaConfig(
        vision_config={"model_type": "clip_vision_model", **VISION, "image_size": 32, "patch_size": 8},
        text_config={"model_type": "llama", **_text(tokens)},
        image_token_id=tokens.id_of("<image>"),
        vision_feature_layer=-2,
        image_seq_length=16,
    )


def _idefics3(tokens: Tokens) -> Any:
    return transformers.Idefics3Config(**_idefics3_settings(tokens))


def _smolvlm(tokens: Tokens) -> Any:
    return transformers.SmolVLMConfig(**_idefics3_settings(tokens))


def _idefics3_settings(tokens: Tokens) -> dict[str, Any]:
    """SmolVLM's own form is that of Idefics3."""
    return {
        "vision_config": {**VISION, "image_size": 32, "patch_size": 4},
        "text_config": {"model_type": "llama", **_text(tokens)},
        "image_token_id": tokens.id_of("<image>"),
        "pad_token_id": tokens.id_of("<pad>"),
        "scale_factor": 2,
    }


def _qwen2_5_vl(tokens: Tokens) -> Any:
    return transformers.Qwen2_5_VLConfig(
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": TEXT["hidden_size"],
            "patch_size": 4,
            "spatial_merge_size": 2,
            "window_size": 32,
            "fullatt_block_indexes": [1],
        },
        text_config=_text(
            tokens, rope_parameters={"rope_type": "default", "mrope_section": [4, 2, 2], "rope_theta": 1e6}
        ),
        **_qwen_ids(tokens),
    )


def _qwen3_vl(tokens: Tokens) -> Any:
    return transformers.Qwen3VLConfig(
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": TEXT["hidden_size"],
            "patch_size": 4,
            "spatial_merge_size": 2,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
        },
        text_config=_text(
            tokens,
            head_dim=16,
            rope_parameters={
                "rope_type": "default",
                "mrope_section": [4, 2, 2],
                "mrope_interleaved": True,
                "rope_theta": 5e5,
            },
        ),
        **_qwen_ids(tokens),
    )


def _qwen_ids(tokens: Tokens) -> dict[str, int]:
    return {
        "image_token_id": tokens.id_of("<|image_pad|>"),
        "video_token_id": tokens.id_of("<|video_pad|>"),
        "vision_start_token_id": tokens.id_of("<|vision_start|>"),
        "vision_end_token_id": tokens.id_of("<|vision_end|>"),
    }


def _internvl(tokens: Tokens) -> Any:
    return transformers.InternVLConfig(
        vision_config={**VISION, "image_size": [32, 32], "patch_size": [4, 4]},
        text_config={"model_type": "qwen2", **_text(tokens)},
        image_token_id=tokens.id_of("<IMG_CONTEXT>"),
        image_seq_length=16,
    )


def _gemma3(tokens: Tokens) -> Any:
    return transformers.Gemma3Config(
        vision_config={**VISION, "image_size": 32, "patch_size": 4, "vision_use_head": False},
        text_config=_text(tokens, head_dim=16, sliding_window=512),
        mm_tokens_per_image=16,
        image_token_id=tokens.id_of("<image_soft_token>"),
        boi_token_id=tokens.id_of("<start_of_image>"),
        eoi_token_id=tokens.id_of("<end_of_image>"),
    )


_SQUARE = {"size": {"height": 32, "width": 32}, **COLOURS}
_IDEFICS_IMAGES = {"size": {"longest_edge": 32}, "max_image_size": {"longest_edge": 32}, **COLOURS}
_IDEFICS_TOKENS = ("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>")
_IDEFICS_TEMPLATE = (
    "<s>{% for message in messages %}{{ message['role'] | capitalize }}: {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant: {% endif %}"
)
_QWEN_IMAGES = {"patch_size": 4, "merge_size": 2, "min_pixels": 64, "max_pixels": 128 * 128, **COLOURS}
_QWEN_TOKENS = (
    *("<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"),
    "<|video_pad|>",
)
_QWEN_TEMPLATE = TURNS.format(
    start="<|im_start|>", image="<|vision_start|><|image_pad|><|vision_end|>", end="<|im_end|>"
)

RECIPES = {
    "llava": Recipe(
        _llava,
        "CLIPImageProcessor",
        {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}, **COLOURS},
        "LlavaProcessor",
        ("<image>",),
        # As the real ones do, it puts the images of a turn before its words.
        "<s>{% for message in messages %}{{ message['role'] | upper }}: {% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}<image>\n{% endif %}{% endfor %}{% for part in message['content'] %}"
        "{% if part['type'] == 'text' %}{{ part['text'] }} {% endif %}{% endfor %}{% endfor %}"
        "{% if add_generation_prompt %}ASSISTANT: {% endif %}",
        processor_settings={
            "patch_size": 8,
            "vision_feature_select_strategy": "default",
            "num_additional_image_tokens": 1,
        },
    ),
    "idefics3": Recipe(
        _idefics3,
        "Idefics3ImageProcessor",
        _IDEFICS_IMAGES,
        "Idefics3Processor",
        _IDEFICS_TOKENS,
        _IDEFICS_TEMPLATE,
        processor_settings={"image_seq_len": 16},
    ),
    "smolvlm": Recipe(
        _smolvlm,
        "SmolVLMImageProcessor",
        _IDEFICS_IMAGES,
        "SmolVLMProcessor",
        _IDEFICS_TOKENS,
        _IDEFICS_TEMPLATE,
        processor_settings={"image_seq_len": 16},
    ),
    "qwen2_5_vl": Recipe(
        _qwen2_5_vl,
        "Qwen2VLImageProcessor",
        _QWEN_IMAGES,
        "Qwen2_5_VLProcessor",
        _QWEN_TOKENS,
        _QWEN_TEMPLATE,
    ),
    "qwen3_vl": Recipe(
        _qwen3_vl, "Qwen2VLImageProcessor", _QWEN_IMAGES, "Qwen3VLProcessor", _QWEN_TOKENS, _QWEN_TEMPLATE
    ),
    "internvl": Recipe(
        _internvl,
        "GotOcr2ImageProcessor",
        {**_SQUARE, "crop_to_patches": True, "min_patches": 1, "max_patches": 4},
        "InternVLProcessor",
        ("<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>", "<video>"),
        TURNS.format(start="<|im_start|>", image="<IMG_CONTEXT>", end="<|im_end|>"),
        named_tokens={
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
        processor_settings={"image_seq_length": 16},
    ),
    "gemma3": Recipe(
        _gemma3,
        "Gemma3ImageProcessor",
        _SQUARE,
        "Gemma3Processor",
        ("<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>", "<image_soft_token>"),
        "<s>" + TURNS.format(start="<start_of_turn>", image="<start_of_image>", end="<end_of_turn>"),
        named_tokens={
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
            "image_token": "<image_soft_token>",
        },
        processor_settings={"image_seq_length": 16},
    ),
}


def write_tiny_model(family: str, folder: Path) -> Path:
    """Save the family's tiny checkpoint in the folder and return the folder."""
    recipe = RECIPES[family]
    tokens = Tokens(recipe.special, recipe.named_tokens)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = AutoModelForImageTextToText.from_config(recipe.config(tokens))
        if family == "gemma3":
            # Its projector begins with nothing, so that no image would make a difference.
            torch.nn.init.normal_(network.model.multi_modal_projector.mm_input_projection_weight)
    network.save_pretrained(folder)
    tokens.tokenizer.save_pretrained(folder)
    _write(
        folder / "preprocessor_config.json",
        image_processor_type=recipe.image_processor,
        **recipe.image_settings,
    )
    _write(folder / "processor_config.json", processor_class=recipe.processor, **recipe.processor_settings)
    (folder / "chat_template.jinja").write_text(recipe.template)
    return folder


def _write(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(values))
