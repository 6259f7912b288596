"""However an answer is decoded, it is the greedy one, it fits the grid, and what it cannot say is counted."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from mlservice.answer_format import AnswerFormat, Manner
from mlservice.decode import decode_autoregressive, decode_jacobi
from mlservice.grammar import TokenTable

WORDS = ("other", "field", "boundary")
VOCABULARY = 48
FORMATS = [
    AnswerFormat(WORDS, Manner.ROWS, 4, 4),
    AnswerFormat(WORDS, Manner.ROWS, 3, 5, row_ends=True),
    AnswerFormat(WORDS, Manner.RUN_LENGTHS, 4, 6, longest_run=4),
]


def table(answer_format: AnswerFormat) -> TokenTable:
    """Token ids that neither begin at 0 nor follow the order of the symbols."""
    count = len(answer_format.alphabet)
    return TokenTable(answer_format, tuple(7 + (5 * i) % 31 for i in range(count)))


class LlamaSpeaker:
    """A tiny Llama with random weights that has read a prompt for each answer."""

    def __init__(self, batch: int, seed: int = 0, sharpness: float = 1.0) -> None:
        torch.manual_seed(seed)
        config = LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            initializer_range=0.3 * sharpness,
        )
        self.batch = batch
        self.model = LlamaForCausalLM(config).eval()
        self.cache = DynamicCache(config=config)
        self.prompt = torch.randint(VOCABULARY, (batch, 6))

    @torch.no_grad()
    def first(self) -> Tensor:
        return self.model(self.prompt, past_key_values=self.cache).logits[:, -1]

    @torch.no_grad()
    def read(self, ids: Tensor, keep: int) -> Tensor:
        logits = self.model(ids, past_key_values=self.cache).logits
        if keep < ids.shape[1]:
            self.cache.crop(keep - ids.shape[1])
        return logits


class ToySpeaker:
    """Says logits that are a function of all the tokens before, as a rule with `memory` tokens gives them."""

    def __init__(self, batch: int, memory: int, seed: int) -> None:
        self.batch, self.memory, self.seed = batch, memory, seed
        self.said = [[number] for number in range(batch)]

    def first(self) -> Tensor:
        return torch.stack([self._after(tokens) for tokens in self.said])

    def read(self, ids: Tensor, keep: int) -> Tensor:
        assert 1 <= keep <= ids.shape[1]
        rows = []
        for tokens, more in zip(self.said, ids.tolist(), strict=True):
            rows.append(torch.stack([self._after(tokens + more[: n + 1]) for n in range(len(more))]))
            tokens += more[:keep]
        return torch.stack(rows)

    def _after(self, tokens: list[int]) -> Tensor:
        seen = tokens[-self.memory :] if self.memory else []
        rng = np.random.default_rng([self.seed, len(tokens), *seen])
        return torch.tensor(rng.normal(size=VOCABULARY), dtype=torch.float32)


@pytest.mark.parametrize("answer_format", FORMATS)
@pytest.mark.parametrize("seed", [0, 1])
def test_jacobi_says_what_a_llama_says_token_by_token(answer_format, seed):
    slow = decode_autoregressive(LlamaSpeaker(3, seed), table(answer_format))
    fast = decode_jacobi(LlamaSpeaker(3, seed), table(answer_format))
    assert fast.ids.tolist() == slow.ids.tolist()
    torch.testing.assert_close(fast.class_logits, slow.class_logits, atol=1e-4, rtol=1e-4)
    assert slow.passes == slow.ids.shape[1] >= fast.passes
    assert len({tuple(row) for row in slow.ids.tolist()}) > 1


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FORMATS), st.integers(0, 40), st.integers(1, 4), st.integers(0, 10**6))
def test_jacobi_says_the_same_however_much_a_token_depends_on_those_before(fmt, memory, batch, seed):
    slow = decode_autoregressive(ToySpeaker(batch, memory, seed), table(fmt))
    fast = decode_jacobi(ToySpeaker(batch, memory, seed), table(fmt))
    assert fast.ids.tolist() == slow.ids.tolist()
    assert torch.equal(fast.class_logits, slow.class_logits)
    assert fast.passes <= slow.passes
    assert not slow.unparsed.any()
    assert not fast.unparsed.any()


@pytest.mark.parametrize("answer_format", FORMATS[:2])
def test_an_answer_whose_tokens_do_not_depend_on_one_another_takes_two_or_three_passes(answer_format):
    decoded = decode_jacobi(ToySpeaker(5, 0, 3), table(answer_format))
    assert decoded.passes <= 3 < decode_autoregressive(ToySpeaker(5, 0, 3), table(answer_format)).passes


def test_only_certain_tokens_stay_in_the_cache():
    speaker = ToySpeaker(3, 2, 5)
    ids = decode_jacobi(speaker, table(FORMATS[0])).ids.tolist()
    for said, answer in zip(speaker.said, ids, strict=True):
        assert said[1:] == answer[: len(said) - 1]
        assert len(said) > 1


@pytest.mark.parametrize("seed", range(8))
def test_a_token_that_was_certain_is_not_taken_back_when_the_model_wavers(seed):
    """On real hardware the same token read in another batch has logits that differ by rounding."""

    class Wavering(ToySpeaker):
        def __init__(self) -> None:
            super().__init__(3, 99, seed)
            self.noise = np.random.default_rng(seed)
            self.best: dict[tuple[int, ...], set[int]] = {}

        def _after(self, tokens: list[int]) -> Tensor:
            logits = super()._after(tokens) + torch.tensor(self.noise.normal(size=VOCABULARY))
            class_ids = list(table(FORMATS[0]).class_ids)
            best = class_ids[int(logits[class_ids].argmax())]
            self.best.setdefault(tuple(tokens), set()).add(best)
            return logits

    speaker = Wavering()
    for number, answer in enumerate(decode_jacobi(speaker, table(FORMATS[0])).ids.tolist()):
        for place, token in enumerate(answer):
            assert token in speaker.best[(number, *answer[:place])]


@pytest.mark.parametrize("answer_format", FORMATS)
def test_the_class_said_is_the_likeliest_after_all_that_was_said_before(answer_format):
    """Held against the same model reading the whole answer at once, without a grammar."""
    decoded = decode_autoregressive(LlamaSpeaker(2, 4), table(answer_format))
    speaker = LlamaSpeaker(2, 4)
    full_logits = torch.cat([speaker.first()[:, None], speaker.read(decoded.ids.clamp(min=0), 1)], dim=1)
    tokens = table(answer_format)
    for number, ids in enumerate(decoded.ids.tolist()):
        symbols = tokens.symbols([token for token in ids if token >= 0])
        assert not answer_format.parse(symbols).unparsed.any()
        for place, symbol in enumerate(symbols):
            if symbol in range(len(WORDS)):
                logits = full_logits[number, place, list(tokens.class_ids)]
                assert logits[symbol] == pytest.approx(logits.max().item(), abs=1e-4)


@pytest.mark.parametrize("answer_format", FORMATS)
def test_the_logits_of_a_cell_are_those_by_which_its_class_was_said(answer_format):
    decoded = decode_autoregressive(ToySpeaker(2, 9, 1), table(answer_format))
    tokens = table(answer_format)
    for number, ids in enumerate(decoded.ids.tolist()):
        parsed = answer_format.parse(tokens.symbols([token for token in ids if token >= 0]))
        said = decoded.class_logits[number].argmax(-1).numpy().reshape(parsed.indices.shape)
        assert np.array_equal(said, parsed.indices)


@pytest.mark.parametrize("answer_format", FORMATS)
def test_a_model_that_excludes_every_allowed_token_fills_the_grid_and_has_said_nothing(answer_format):
    class Mute(ToySpeaker):
        def _after(self, tokens: list[int]) -> Tensor:
            return torch.full((VOCABULARY,), -torch.inf)

    tokens = table(answer_format)
    decoded = decode_jacobi(Mute(2, 0, 0), tokens)
    for answer in decoded.ids.tolist():
        said = tokens.symbols([token for token in answer if token >= 0])
        assert not answer_format.parse(said).unparsed.any()
    assert decoded.unparsed.all()
    assert not decoded.class_logits.any()


@pytest.mark.parametrize("decode", [decode_autoregressive, decode_jacobi])
def test_logits_that_are_no_numbers_are_no_answer(decode):
    class Broken(ToySpeaker):
        def _after(self, tokens: list[int]) -> Tensor:
            broken = len(tokens) == 1 + 5
            return super()._after(tokens) * (torch.nan if broken else 1)

    tokens = TokenTable(FORMATS[0], (0, 1, 2))
    decoded = decode(Broken(2, 0, 0), tokens)
    assert decoded.unparsed[:, 5].all()
    assert not decoded.class_logits[:, 5].any()
    assert decoded.unparsed.sum() == 2
