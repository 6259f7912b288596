"""A question becomes the same chat whoever asks it, and the starter is asked with the ids it was trained on."""

import subprocess
import sys

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import AutoProcessor, PreTrainedTokenizerFast

from mlservice.answer_format import AnswerFormat, Manner
from mlservice.landscape import LANDSCAPE_LEGEND
from mlservice.legend import class_words
from mlservice.prompt import (
    Example,
    ImageRole,
    Question,
    QuestionImage,
    answer_instruction,
    build_prompt,
    messages,
)
from mlservice.starter import CHECKPOINT
from mlservice.starter.registration import register_starter

SMOLVLM_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
    "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
"""The chat template that SmolVLM's processor comes with."""

WORDS = ("other", "field", "A")
ROWS = AnswerFormat(WORDS, Manner.ROWS, rows=2, cols=3)
CONTEXT = QuestionImage(ImageRole.CONTEXT)
CROP = QuestionImage(ImageRole.CROP)


def rendered(question: Question) -> str:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"<unk>": 0}, "<unk>")))
    return tokenizer.apply_chat_template(
        messages(question), chat_template=SMOLVLM_TEMPLATE, tokenize=False, add_generation_prompt=True
    )


def test_the_starter_is_asked_with_the_ids_it_was_trained_on():
    register_starter()
    processor = AutoProcessor.from_pretrained(CHECKPOINT)
    prompt = build_prompt(processor, LANDSCAPE_LEGEND)
    tokens = processor.tokenizer.convert_ids_to_tokens(prompt.input_ids[0].tolist())
    classes = " , ".join(class_words(LANDSCAPE_LEGEND)).split()
    asked = ["<s>", "<user>", *["<image>"] * 64, "classes", ":", *classes, "<assistant>"]
    assert tokens == [*asked, *["<cell>"] * 256]


def test_a_question_reads_as_a_chat_in_a_models_own_template():
    question = Question(
        ROWS,
        (CONTEXT, QuestionImage(ImageRole.VIEW, "The same land in March, by Sentinel-2:"), CROP),
        meanings=("", "", "milpa"),
    )
    assert rendered(question) == (
        "<|im_start|>User: The whole image:<image>The same land in March, by Sentinel-2:<image>"
        f"classes : other , field , A ( milpa ) . {answer_instruction(ROWS)}\n"
        "The part to answer for:<image><end_of_utterance>\nAssistant:"
    )


def test_examples_are_earlier_turns_with_their_answers_in_words():
    answer = ROWS.text(ROWS.say(np.array([[0, 1, 1], [2, 2, 0]])))
    text = rendered(Question(ROWS, (CONTEXT, CROP), examples=(Example((CROP,), answer),)))
    first, second, third, start = text.split("<end_of_utterance>\n")
    assert first.endswith("The part to answer for:<image>")
    assert second == "Assistant: other field field A A other"
    assert third.startswith("User: The whole image:<image>classes : other , field , A .")
    assert start == "Assistant:"


def test_all_that_token_patches_share_comes_before_the_crop():
    question = Question(ROWS, (CROP, QuestionImage(ImageRole.VIEW), CONTEXT))
    (turn,) = messages(question)
    kinds = [part["type"] for part in turn["content"]]
    assert kinds == ["text", "image", "text", "image", "text", "text", "image"]
    assert turn["content"][-2]["text"] == "The part to answer for:"


def test_paths_are_told_and_change_nothing_of_what_the_model_reads():
    with_paths = Question(ROWS, (QuestionImage(ImageRole.CONTEXT, path="images/a.png"), CROP))
    (turn,) = messages(with_paths)
    assert turn["content"][1] == {"type": "image", "path": "images/a.png"}
    assert rendered(with_paths) == rendered(Question(ROWS, (CONTEXT, CROP)))


def test_each_format_of_answer_is_asked_for_differently():
    formats = [
        ROWS,
        AnswerFormat(WORDS, Manner.ROWS, rows=2, cols=3, row_ends=True),
        AnswerFormat(WORDS, Manner.RUN_LENGTHS, rows=2, cols=3, longest_run=3),
    ]
    told = [answer_instruction(fmt) for fmt in formats]
    assert len(set(told)) == 3
    assert all("2 rows of 3 cells" in text for text in told)
    assert "at most 3" in told[2]


def test_a_question_without_an_image_or_with_half_its_meanings_is_refused():
    with pytest.raises(ValueError, match="image"):
        Question(ROWS, ())
    with pytest.raises(ValueError, match="image"):
        Question(ROWS, (CROP,), examples=(Example((), "other"),))
    with pytest.raises(ValueError, match="meanings"):
        Question(ROWS, (CROP,), meanings=("milpa",))


def test_asking_loads_no_torch():
    code = (
        "import sys, mlservice.prompt, mlservice.grammar, mlservice.answer_format, mlservice.token_grid;"
        "print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
