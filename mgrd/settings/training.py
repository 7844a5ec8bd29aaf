"""The part of the settings that says what a round trains, and how: SFT, preferences, reinforcement."""

from typing import Literal

from pydantic import Field, model_validator

from mgrd.settings.section import Section

TrainStage = Literal["sft", "dpo", "reinforce"]


class TrainingSpec(Section):
    """Equation 5: SFT on kept chains with text-reasoning replay."""

    stages: tuple[TrainStage, ...] = Field(
        default=("sft",), description="what a round trains, in this order: `sft`, `dpo`, `reinforce`"
    )
    steps: int = Field(default=160, ge=1, description="optimizer steps per round")
    batch_rows: int = Field(default=32, ge=1, description="training rows per step")
    learning_rate: float = Field(default=4e-4, gt=0, description="peak learning rate, cosine to zero")
    warmup: float = Field(default=0.1, ge=0, lt=1, description="share of steps that warm up")
    weight_decay: float = Field(default=0.01, ge=0, description="AdamW weight decay")
    method: Literal["full", "lora"] = Field(
        default="full", description="what learns: projector and decoder, or projector and low-rank adapters (peft)"
    )
    lora_rank: int = Field(default=16, ge=1, description="rank of the adapters")
    lora_alpha: int = Field(default=32, ge=1, description="scale of the adapters, divided by their rank")
    text_share: float = Field(default=0.1, ge=0, lt=1, description="share of text-reasoning rows")
    text: str = Field(
        default="generated",
        description="where they come from: `generated`, or a .jsonl or .parquet file of question, chain, answer",
    )
    accumulate: bool = Field(default=True, description="train on the kept chains of all rounds so far")
    start: Literal["continue", "base"] = Field(
        default="continue", description="start from the last model or the cold start"
    )


class RewardSpec(Section):
    """Equations 7 and 8: what a chain earns."""

    correct: float = Field(default=0.8, ge=0, description="a right answer to an audio question; text tasks earn 1")
    reasoning: float = Field(default=0.2, ge=0, description="reasoning is present, whatever it says")
    grounding: float = Field(
        default=0.0, ge=0, description="the scorer of the filter finds the chain grounded; 0: the report's reward"
    )


class GuardSpec(Section):
    """When reinforcement stops and keeps its best model. Shares compare the last `window` steps with the first."""

    enabled: bool = Field(default=True, description="whether the run is stopped at all")
    window: int = Field(default=5, ge=1, description="steps that a mean is taken over")
    min_length: float = Field(default=0.5, ge=0, description="share of the first reasoning length that must be left")
    min_entropy: float = Field(default=0.2, ge=0, description="share of the first entropy that must be left")
    min_substance: float = Field(
        default=0.5, ge=0, description="share of the first rate of claims that hold among chains that reason"
    )
    max_heldout_drop: float = Field(default=0.1, ge=0, description="drop in held-out accuracy under its best")


class ReinforceSpec(Section):
    """Equation 6: on-policy reinforcement on questions of the difficulty window."""

    algorithm: Literal["ppo", "grpo"] = Field(default="ppo", description="a value head, or the group's mean")
    steps: int = Field(default=40, ge=1, description="sampling and updating that often")
    prompts: int = Field(default=8, ge=1, description="questions per step")
    rollouts: int = Field(default=16, ge=1, description="chains per question")
    epochs: int = Field(default=1, ge=1, description="updates per step on its rollouts; 1 is strictly on-policy")
    learning_rate: float = Field(default=5e-5, gt=0, description="peak learning rate, then constant")
    value_rate: float = Field(default=1e-3, gt=0, description="learning rate of the value head")
    warmup: float = Field(default=0.1, ge=0, lt=1, description="share of steps that warm up")
    clip: float = Field(default=0.2, gt=0, lt=1, description="range of the probability ratio")
    kl: float = Field(default=0.0, ge=0, description="weight of the divergence from the first model; 0: none")
    gamma: float = Field(default=1.0, gt=0, le=1, description="discount")
    lam: float = Field(default=1.0, ge=0, le=1, description="lambda of the advantage estimation (PPO)")
    scale: bool = Field(default=False, description="divide advantages by the deviation of the group (PPO: of the step)")
    window_low: int = Field(default=3, ge=0, description="fewest correct samples of a question that is learnt on")
    window_high: int = Field(default=6, ge=0, description="most correct samples of a question that is learnt on")
    heldout_every: int = Field(default=10, ge=1, description="steps between two held-out looks")
    heldout_questions: int = Field(default=100, ge=1, description="dev questions of a held-out look")
    reward: RewardSpec = RewardSpec()
    guards: GuardSpec = GuardSpec()

    @model_validator(mode="after")
    def _is_consistent(self) -> "ReinforceSpec":
        if self.window_low > self.window_high:
            raise ValueError(f"window_low = {self.window_low} is above window_high = {self.window_high}")
        if self.algorithm == "grpo" and self.rollouts < 2:
            raise ValueError("grpo compares the chains of a question: rollouts must be 2 or more")
        return self


class PreferenceSpec(Section):
    """DPO on pairs of chains of one question (arXiv 2305.18290)."""

    steps: int = Field(default=40, ge=1, description="optimizer steps")
    batch_pairs: int = Field(default=16, ge=1, description="pairs per step")
    learning_rate: float = Field(default=2e-5, gt=0, description="peak learning rate, cosine to zero")
    warmup: float = Field(default=0.1, ge=0, lt=1, description="share of steps that warm up")
    beta: float = Field(default=0.1, gt=0, description="how strongly the first model holds back")
    per_question: int = Field(default=2, ge=1, description="pairs per question and reason at most")
    probes: int = Field(default=64, ge=0, description="probes of pool clips whose replies become pairs")
