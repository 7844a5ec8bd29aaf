"""What preference pairs do to a model that denies hearing, beside rounds without them, from the same cold start.

The cold start of `examples/small.toml` learns to answer probes ("Can you hear this recording?") by denying in half of
the replies. Two campaigns go on from it: SFT on filtered chains, and SFT followed by DPO. Prints the share of held-out
replies (test split) that deny hearing, before and after each round.

    python benchmarks/self_cognition.py [--rounds 2] [--seeds 0] [--folder runs/self-cognition]
"""

from campaigns import asked_comparison

ARMS = {
    "sft": {"MGRD_SPEC__TRAINING__STAGES": '["sft"]'},
    "sft-dpo": {"MGRD_SPEC__TRAINING__STAGES": '["sft", "dpo"]'},
}
TAUGHT = {"MGRD_SPEC__COLD_START__PROBES": "0.5", "MGRD_SPEC__EVALUATION__PROBES": "60"}

if __name__ == "__main__":
    asked_comparison(
        __doc__, folder="self-cognition", settings="small.toml", seeds=[0], rounds=2, arms=ARMS, shared=TAUGHT
    ).print_by_round("self_cognition_error")
