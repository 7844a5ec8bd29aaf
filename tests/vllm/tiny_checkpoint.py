"""A Qwen2 text checkpoint of random weights, small enough to serve on two cores within seconds.

Dimension 0 of every embedding is the same large number, so the output row of a token reads a
constant from it: a bias. It favours the sign that closes a JSON string and disfavours blanks. Without
it a random model writes its first string, or blanks between two keys, until the token limit.
"""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from mgrd.judging.mock import grade
from prompts import load_prompt

CONTEXT = 8192
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CONSTANT, FAVOUR = 4.0, 4.0
"""Dimension 0 of embeddings, and how much of it the logit of a favoured sign reads."""


def write_checkpoint(folder: Path, seed: int = 0) -> Path:
    """Config, weights, tokenizer and chat template in `folder`, as transformers and vLLM load them."""
    tokenizer = _tokenizer()
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=False,
        eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>"),
        bos_token_id=None,
        pad_token_id=tokenizer.convert_tokens_to_ids("<|endoftext|>"),
        dtype="float32",
    )
    blanks = [number for number in range(len(tokenizer)) if tokenizer.decode([number]).isspace()]
    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2:
                parameter.normal_(0.0, 0.4 if "embed" in name or "lm_head" in name else 0.05)
        model.model.embed_tokens.weight[:, 0] = CONSTANT
        model.lm_head.weight[:, 0] = 0.0
        model.lm_head.weight[tokenizer.convert_tokens_to_ids('"'), 0] = FAVOUR
        model.lm_head.weight[blanks, 0] = -FAVOUR
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE trained on the prompt and a reply; no merge crosses the signs of JSON."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation("isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1200, special_tokens=list(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    backend.train_from_iterator([load_prompt("judge/grounding").body, grade()] * 2, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=TEMPLATE,
        model_max_length=CONTEXT,
    )
