"""What is left of reasoning from text after rounds with and without text replay, from the same cold start.

Two campaigns of `examples/small.toml` that differ in `spec.training.text_share` alone (as set, and 0), the gate open
in both. Prints the greedy accuracy on held-out text problems of the test split, round by round.

    python benchmarks/retention.py [--rounds 3] [--seeds 0] [--folder runs/retention]
"""

from campaigns import asked_comparison

ARMS = {"with": {}, "without": {"MGRD_SPEC__TRAINING__TEXT_SHARE": "0"}}
PROBLEMS = {"MGRD_SPEC__EVALUATION__TEXT_PROBLEMS": "200"}

if __name__ == "__main__":
    asked_comparison(
        __doc__, folder="retention", settings="small.toml", seeds=[0], rounds=3, arms=ARMS, shared=PROBLEMS
    ).print_by_round("text_accuracy")
