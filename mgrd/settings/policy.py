"""What the settings say of keeping a chain: who reads its claims, the policy, counterfactuals, the judges."""

from typing import Literal

from pydantic import Field, model_validator

from mgrd.settings.section import KeyVariable, Section, ServerAddress


class GroundingSpec(Section):
    """When a chain is grounded: the part of the policy that the scorer reads."""

    min_supported: int = Field(default=1, ge=0, description="supported claims that a chain needs")
    max_contradicted: int = Field(default=0, ge=0, description="contradicted claims that a chain may have")
    max_surrogate_share: float = Field(
        default=0.0, ge=0, le=1, description="share of the chain that may argue from text"
    )
    relevant: bool = Field(default=True, description="a supported claim must speak of what the question asks")


class ClaimsSpec(Section):
    """Who reads what a chain claims: the grammar, a language model at the judge's server, or both."""

    extractor: Literal["grammar", "llm", "both"] = Field(
        default="grammar", description="`llm` and `both` ask the first judge of `spec.panel`"
    )
    prompt: str = Field(default="claims/extract", description="prompt template in prompts/ for `llm` and `both`")


Effect = Literal["reject", "warn"]
"""What a reason does: hold the chain back, or be stored beside a chain that is kept."""


class ReasonsSpec(Section):
    """What each reason does to a chain: `reject` holds it back, `warn` only stores it beside the decision."""

    wrong_answer: Effect = Field(default="reject", description="the answer is not the right one")
    no_supported_claim: Effect = Field(default="reject", description="fewer supported claims than `min_supported`")
    contradicted_claim: Effect = Field(default="reject", description="more refuted claims than `max_contradicted`")
    irrelevant_claims: Effect = Field(default="reject", description="what holds speaks of something else than asked")
    surrogate: Effect = Field(default="reject", description="more text surrogate than `max_surrogate_share`")
    provider_json: Effect = Field(default="reject", description="a server's JSON stands in the chain")
    prompt_echo: Effect = Field(default="reject", description="the chain repeats question, choices or template")
    unclosed_think: Effect = Field(default="reject", description="the think block never ends")
    doubled_think: Effect = Field(default="reject", description="more than one think block")
    no_reasoning: Effect = Field(default="reject", description="the think block is empty or missing")
    answer_before_evidence: Effect = Field(default="reject", description="the answer is named before the first claim")
    denial: Effect = Field(default="reject", description="the chain denies that it can hear")
    low_score: Effect = Field(default="reject", description="the grounding score is below `min_score`")
    judge_grounding: Effect = Field(default="reject", description="judged acoustic grounding is too low")
    judge_coherence: Effect = Field(default="reject", description="judged coherence is too low")
    judge_unscored: Effect = Field(
        default="reject", description="the judge could not be read: unscored, or `warn` to let the checks decide alone"
    )
    silence_margin: Effect = Field(
        default="warn", description="the chain is not likelier with its clip than with silence by `min_silence_margin`"
    )
    swap_margin: Effect = Field(
        default="warn", description="the chain is not likelier with its clip than with another by `min_swap_margin`"
    )
    answer_unmoved: Effect = Field(
        default="warn", description="the model gives the same answer to silence, and to another clip"
    )


class PolicySpec(GroundingSpec):
    """The decision on a chain, over all signals; docs/policy.md tells how it comes about."""

    min_score: float = Field(
        default=0.0, ge=0, le=1, description="grounding score that a chain needs; `mgrd calibrate` names one"
    )
    min_judge_grounding: float = Field(default=3.0, ge=1, le=5, description="judged acoustic grounding, from 1 to 5")
    min_judge_coherence: float = Field(default=3.0, ge=1, le=5, description="judged logical coherence, from 1 to 5")
    min_silence_margin: float = Field(
        default=0.0, description="mean log-probability per token that the clip must add over silence (nats)"
    )
    min_swap_margin: float = Field(
        default=0.0, description="mean log-probability per token that the clip must add over another clip (nats)"
    )
    reasons: ReasonsSpec = ReasonsSpec()


class CounterfactualSpec(Section):
    """How often a chain is scored again with silence and with another clip in place of its own."""

    share: float = Field(default=0.0, ge=0, le=1, description="share of chains that are scored; 0: none")


class JudgeSpec(Section):
    """One judge: a model at any OpenAI-compatible server. Repeat the section for each judge of the panel."""

    base_url: ServerAddress
    model: str = Field(min_length=1, description="name of the judging model; not the family of the judged one")
    api_key_env: KeyVariable = None
    prompt: str = Field(default="judge/grounding", description="prompt template in prompts/")
    temperature: float = Field(default=0.0, ge=0, description="softmax temperature")
    max_tokens: int = Field(default=1024, ge=64, description="reply limit")
    concurrency: int = Field(
        default=16, ge=1, description="requests at once at most, per address; fewer while the server is busy"
    )
    timeout_seconds: float = Field(default=120.0, gt=0, description="time a reply may take")
    attempts: int = Field(default=6, ge=1, description="tries per request before the judge counts as unreachable")
    price_in: float = Field(default=0.0, ge=0, description="price of a million prompt tokens")
    price_out: float = Field(default=0.0, ge=0, description="price of a million reply tokens")
    batch: bool = Field(default=False, description="ask through the provider's batch interface: cheaper, within a day")
    batch_price: float = Field(default=0.5, ge=0, le=1, description="share of the prices that a batch costs")


Reducer = Literal["mode", "median", "at_least_k"]


class PanelSpec(Section):
    """The LLM judges and how their scores become one. Without this section the deterministic checks decide alone."""

    reducer: Reducer = Field(
        default="median",
        description="`mode`: the most frequent score, the lowest of several; `median`; "
        "`at_least_k`: the highest score that `at_least` judges gave or passed",
    )
    at_least: int = Field(default=1, ge=1, description="k of `at_least_k`")
    max_cost: float | None = Field(default=None, gt=0, description="spent on a round's verdicts at most, all judges")
    judges: tuple[JudgeSpec, ...] = Field(min_length=1, description="the judges, one section each")

    @model_validator(mode="after")
    def _is_consistent(self) -> "PanelSpec":
        if self.max_cost is not None and not all(judge.price_in and judge.price_out for judge in self.judges):
            raise ValueError("max_cost needs price_in and price_out of every judge: without prices nothing is counted")
        if self.at_least > len(self.judges):
            raise ValueError(f"at_least = {self.at_least} needs as many judges, there are {len(self.judges)}")
        if len({(j.model, j.prompt, j.temperature, j.max_tokens) for j in self.judges}) < len(self.judges):
            raise ValueError("two judges are the same; a panel's judges differ in model, prompt or temperature")
        return self
