"""The embedded audio LLM: a small, real Qwen2-Audio model, assembled offline.

A pretrained frozen encoder (whisper-tiny.en), a linear projector and a Qwen2 decoder from scratch,
with a byte-level BPE tokenizer trained on the task's own text. The saved folder loads with
transformers and vLLM like any checkpoint of the class. No weight is ever downloaded here.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AddedToken,
    GenerationConfig,
    Qwen2AudioConfig,
    Qwen2AudioEncoderConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    Qwen2Config,
    Qwen2Tokenizer,
    WhisperFeatureExtractor,
)

from mgrd.errors import ConfigError
from mgrd.models.checkpoints import save_model
from mgrd.models.families import QWEN2_AUDIO
from mgrd.models.render import THINK_CLOSE, THINK_OPEN
from mgrd.models.whisper_weights import check_golden, encoder_config, encoder_state
from mgrd.settings import ModelSpec

SAMPLE_RATE = 16_000
POSITIONS_PER_SECOND = 50
TEXT_POSITIONS = 1024

PAD = "<|endoftext|>"
SPECIAL_TOKENS = (PAD, *QWEN2_AUDIO.chat)
THINK_TOKENS = (THINK_OPEN, THINK_CLOSE)
"""Single tokens, but not special: they are part of the text that a model writes."""

CHAT_TEMPLATE = Path(__file__).with_name("chat.jinja")


def assemble_embedded(folder: Path, texts: Iterable[str], spec: ModelSpec, window_seconds: float, seed: int) -> str:
    """Write an untrained embedded model to `folder` and return its sha.

    `texts` train the tokenizer: prompts, reasoning and answers as they will occur. The window is
    rounded up to whole seconds; 3 s give 150 encoder positions and 75 audio tokens. The same
    arguments give the same files.
    """
    if spec.hidden % (2 * spec.heads) or spec.heads % spec.key_value_heads:
        raise ConfigError(
            f"spec.model: hidden {spec.hidden} must be an even multiple of heads {spec.heads}, "
            f"and heads a multiple of key_value_heads {spec.key_value_heads}"
        )
    seconds = math.ceil(window_seconds)
    tokenizer = _train_tokenizer(texts, spec.vocabulary)
    encoder = _encoder_config(spec, seconds * POSITIONS_PER_SECOND)
    extractor = WhisperFeatureExtractor(
        feature_size=encoder.num_mel_bins,
        sampling_rate=SAMPLE_RATE,
        chunk_length=seconds,
        return_attention_mask=True,
    )
    processor = Qwen2AudioProcessor(extractor, tokenizer, chat_template=CHAT_TEMPLATE.read_text())
    config = Qwen2AudioConfig(
        audio_config=encoder,
        text_config=_decoder_config(spec, tokenizer, encoder.max_source_positions // 2 + TEXT_POSITIONS),
        audio_token_index=_token_id(tokenizer, QWEN2_AUDIO.audio),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Qwen2AudioForConditionalGeneration(config)
    if spec.encoder == "whisper-tiny.en":
        check_golden()
        model.model.audio_tower.load_state_dict(encoder_state(encoder.max_source_positions))
    model.generation_config = GenerationConfig(
        eos_token_id=_token_id(tokenizer, QWEN2_AUDIO.end), pad_token_id=_token_id(tokenizer, PAD), do_sample=False
    )
    return save_model(model, processor, folder)


def _encoder_config(spec: ModelSpec, positions: int) -> Qwen2AudioEncoderConfig:
    if spec.encoder == "whisper-tiny.en":
        return encoder_config(positions)
    return Qwen2AudioEncoderConfig(
        num_mel_bins=16,
        encoder_layers=1,
        encoder_attention_heads=2,
        encoder_ffn_dim=16,
        d_model=8,
        max_source_positions=positions,
        initializer_range=0.2,
    )


def _decoder_config(spec: ModelSpec, tokenizer: Qwen2Tokenizer, positions: int) -> Qwen2Config:
    return Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden,
        intermediate_size=spec.feed_forward,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        num_key_value_heads=spec.key_value_heads,
        max_position_embeddings=positions,
        bos_token_id=None,
        eos_token_id=_token_id(tokenizer, QWEN2_AUDIO.end),
        pad_token_id=_token_id(tokenizer, PAD),
        tie_word_embeddings=False,
    )


def _train_tokenizer(texts: Iterable[str], vocabulary: int) -> Qwen2Tokenizer:
    """Byte-level BPE with Qwen2's own splitting rule, so that a reload as Qwen2Tokenizer splits the same."""
    added = len(SPECIAL_TOKENS) + len(THINK_TOKENS)
    scaffold = ("user\n", "assistant\n", "\n\n")
    learned = Qwen2Tokenizer().train_new_from_iterator(
        (piece for text in texts for piece in (text, *scaffold)), vocabulary - added + 1, show_progress=False
    )
    rules = json.loads(learned.backend_tokenizer.to_str())["model"]
    merges: Any = [tuple(pair) for pair in rules["merges"]]  # tokenizers takes pairs, the annotation says text
    tokenizer = Qwen2Tokenizer(
        vocab=rules["vocab"],
        merges=merges,
        unk_token=PAD,
        pad_token=PAD,
        eos_token=QWEN2_AUDIO.end,
        extra_special_tokens=[token for token in QWEN2_AUDIO.chat if token != QWEN2_AUDIO.end],
    )
    for token in THINK_TOKENS:
        tokenizer.add_tokens(AddedToken(token, normalized=False, special=False))
    return tokenizer


def _token_id(tokenizer: Qwen2Tokenizer, token: str) -> int:
    found = tokenizer.convert_tokens_to_ids(token)
    assert isinstance(found, int)
    return found
