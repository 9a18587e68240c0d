#!/usr/bin/env python3
"""Writes a model for llama.cpp that has random weights and says nothing of sense: one layer, 512 tokens, 440 KiB.

    pip install gguf
    hack/tiny-llama.py FILE

For the integration test that reads a real llama-server (docs/testing.md): it is there to be busy, whatever it answers.
"""

import sys

import gguf
import numpy as np

TOKENS, WIDTH, HEADS, FEED_FORWARD, CONTEXT = 512, 64, 4, 128, 2048
UNKNOWN, CONTROL, BYTE, NORMAL = 2, 3, 6, 1


def main(path):
    model = gguf.GGUFWriter(path, "llama")
    model.add_context_length(CONTEXT)
    model.add_embedding_length(WIDTH)
    model.add_block_count(1)
    model.add_feed_forward_length(FEED_FORWARD)
    model.add_head_count(HEADS)
    model.add_head_count_kv(HEADS)
    model.add_layer_norm_rms_eps(1e-5)
    model.add_rope_dimension_count(WIDTH // HEADS)
    model.add_vocab_size(TOKENS)

    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    words = TOKENS - len(tokens)
    tokens += [f"\u2581w{word}" for word in range(words)]
    model.add_tokenizer_model("llama")
    model.add_token_list([token.encode() for token in tokens])
    model.add_token_scores([0.0] * TOKENS)
    model.add_token_types([UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * words)
    model.add_unk_token_id(0)
    model.add_bos_token_id(1)
    model.add_eos_token_id(2)

    random = np.random.default_rng(7)

    def matrix(name, *shape):
        model.add_tensor(f"{name}.weight", (random.standard_normal(shape) * 0.05).astype(np.float32))

    def norm(name):
        model.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))

    matrix("token_embd", TOKENS, WIDTH)
    matrix("output", TOKENS, WIDTH)
    norm("output_norm")
    for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
        matrix(f"blk.0.{part}", WIDTH, WIDTH)
    matrix("blk.0.ffn_gate", FEED_FORWARD, WIDTH)
    matrix("blk.0.ffn_up", FEED_FORWARD, WIDTH)
    matrix("blk.0.ffn_down", WIDTH, FEED_FORWARD)
    norm("blk.0.attn_norm")
    norm("blk.0.ffn_norm")

    model.write_header_to_file()
    model.write_kv_data_to_file()
    model.write_tensors_to_file()
    model.close()


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1])
