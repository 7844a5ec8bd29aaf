"""All settings: one TOML file, checked by pydantic, unknown keys refused.

`spec` defines the data and enters stage fingerprints; `runtime` says how the work runs and never
does. Environment variables `MGRD_SPEC__SAMPLING__SAMPLES=4` override the file. Secrets come from the
environment at the place of use and are never part of the settings.
"""

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from mgrd.arms import Arm
from mgrd.errors import ConfigError
from mgrd.settings_runtime import Runtime, Section, StoreSettings
from mgrd.settings_training import PreferenceSpec, ReinforceSpec, TrainingSpec

SETTINGS_FILE = "mgrd.toml"
ENV_PREFIX, ENV_DELIMITER = "MGRD_", "__"


class EmbeddedSpec(Section):
    """The default clips: made offline, with truth known by construction."""

    cold_clips: int = Field(default=2400, ge=1, description="clips of the cold start")
    pool_clips: int = Field(default=600, ge=0, description="clips that rounds sample on")
    dev_clips: int = Field(default=200, ge=0, description="held-out clips for choosing (gate, stop rules)")
    test_clips: int = Field(default=300, ge=0, description="held-out clips that nothing is chosen on")
    seconds: float = Field(default=3.0, gt=0.5, le=30, description="length of a clip")


class IngestSpec(Section):
    """Outside audio: how files become clips and questions."""

    window_seconds: float = Field(
        default=3.0, gt=0.1, le=30, description="longer audio is split into windows of this length"
    )
    min_seconds: float = Field(default=0.2, ge=0, description="shorter audio goes to quarantine")
    dev_share: float = Field(default=0.15, ge=0, le=0.5, description="share of sources held out for choosing")
    test_share: float = Field(default=0.25, ge=0, le=0.5, description="share of sources held out for the final figures")
    questions_per_clip: int = Field(default=3, ge=1, description="derived questions at most per clip")
    min_reliability: float = Field(default=0.7, ge=0, le=1, description="facts below it yield no question")


class BenchmarkFiles(Section):
    """An evaluation set that nothing may be trained on. Repeat the section for each."""

    name: str = Field(min_length=1, description="name of the benchmark, as `mgrd evaluate --benchmark` knows it")
    data: str = Field(min_length=1, description="folder of the owners' files; relative ones lie in the workspace")


class DecontaminationSpec(Section):
    """What training must not have heard: questions that overlap with it are left out of every training split."""

    near_duplicates: bool = Field(
        default=True, description="compare the sound of training clips with that of the held-out ones"
    )
    benchmarks: tuple[BenchmarkFiles, ...] = Field(
        default=(), description="evaluation sets to compare with by sound and wording, one section each"
    )


class ModelSpec(Section):
    """The model that is distilled: `embedded`, or a folder with a Qwen2-Audio-class checkpoint."""

    base: str = Field(default="embedded", description="`embedded` or the folder of a checkpoint")
    hidden: int = Field(default=192, ge=8, description="decoder width (embedded)")
    layers: int = Field(default=4, ge=1, description="decoder layers (embedded)")
    heads: int = Field(default=4, ge=1, description="attention heads (embedded)")
    key_value_heads: int = Field(default=2, ge=1, description="key-value heads (embedded)")
    feed_forward: int = Field(default=576, ge=8, description="width of the MLP (embedded)")
    vocabulary: int = Field(default=800, ge=300, description="byte-level BPE size (embedded)")
    encoder: Literal["whisper-tiny.en", "random"] = Field(
        default="whisper-tiny.en", description="frozen encoder; `random` is a tiny untrained one for tests"
    )
    features: Literal["float16", "float32"] = Field(
        default="float16", description="precision that the frozen encoder's outputs are stored in"
    )
    long_clips: Literal["refuse", "split"] = Field(
        default="refuse", description="a clip beyond the encoder's window: refused, or heard in equal windows"
    )


class ColdStartSpec(Section):
    """Stage A: the model first learns to hear, then to write chains in a mixture of styles."""

    hearing_steps: int = Field(default=800, ge=0, description="steps on descriptions and direct answers")
    chain_steps: int = Field(default=400, ge=0, description="steps on chains")
    hearing_rate: float = Field(default=1e-3, gt=0, description="learning rate of the hearing phase")
    chain_rate: float = Field(default=1e-3, gt=0, description="learning rate of the chain phase")
    grounded: float = Field(default=0.30, ge=0, le=1, description="share of chains that cite what is heard")
    surrogate: float = Field(
        default=0.35, ge=0, le=1, description="share of chains that argue from an imagined transcript"
    )
    wrong: float = Field(default=0.20, ge=0, le=1, description="share of chains with wrong acoustic claims")
    direct: float = Field(default=0.15, ge=0, le=1, description="share of answers with an empty think block")
    right_answers: float = Field(default=0.60, ge=0, le=1, description="share of right answers, equal in every style")
    probes: float = Field(default=0.0, ge=0, le=1, description="share of cold clips with a probe of hearing")
    denials: float = Field(default=0.5, ge=0, le=1, description="share of the replies to these that deny hearing")


class SamplingSpec(Section):
    """Equation 4: K chains per question from the current model."""

    samples: int = Field(default=8, ge=1, description="K, chains per question")
    temperature: float = Field(default=1.0, gt=0, description="softmax temperature")
    top_p: float = Field(default=1.0, gt=0, le=1, description="nucleus mass")
    max_new_tokens: int = Field(default=64, ge=4, description="completion limit")
    prompt: str = Field(default="sample/perceive", description="prompt template in prompts/")


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

    base_url: str = Field(
        pattern=r"^https?://[^/@\s?#]+(/[^?#\s]*)?$",
        description="address of the server, such as http://localhost:8000/v1",
    )
    model: str = Field(min_length=1, description="name of the judging model; not the family of the judged one")
    api_key_env: str | None = Field(
        default=None, pattern=r"^[A-Z][A-Z0-9_]*$", description="NAME of the variable that holds the key; none: no key"
    )
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


class SelectionSpec(Section):
    """From decisions to training rows."""

    arm: Arm = Field(default="filtered", description="`filtered`, or one of the controls `correct-only`, `unfiltered`")
    per_question: int = Field(default=4, ge=1, description="chains kept per question inside the window")
    per_question_outside: int = Field(default=1, ge=0, description="chains kept per question outside the window")
    window_low: int = Field(default=1, ge=0, description="fewest correct samples of a question inside the window")
    window_high: int = Field(default=7, ge=0, description="most correct samples of a question inside the window")
    near_duplicate: float = Field(
        default=0.9, gt=0, le=1, description="word-set similarity from which chains are duplicates"
    )


class EvaluationSpec(Section):
    """Held-out figures: `dev` serves choosing, `test` is only reported."""

    samples: int = Field(default=4, ge=1, description="sampled chains per held-out question, beside the greedy one")
    bootstrap: int = Field(default=1000, ge=10, description="bootstrap resamples, by source")
    text_problems: int = Field(
        default=100, ge=0, description="held-out text problems per split that show what reasoning from text is left"
    )
    probes: int = Field(default=24, ge=0, description="probes per held-out split: can you hear this?")


class GateSpec(Section):
    """Promotion and stop rules, read on the dev split."""

    max_accuracy_drop: float = Field(default=0.03, ge=0, description="drop in sampled accuracy that still promotes")
    max_grounded_drop: float = Field(default=0.05, ge=0, description="drop in grounded share that still promotes")
    max_text_drop: float = Field(default=0.1, ge=0, description="drop in accuracy on text problems that still promotes")
    min_reasoning_tokens: float = Field(
        default=4.0, ge=0, description="mean length under which reasoning has collapsed"
    )
    max_self_cognition_rise: float = Field(
        default=0.02,
        ge=0,
        description="rise of the shares of replies and chains that deny hearing",
    )
    patience: int = Field(default=2, ge=1, description="rounds without promotion after which the campaign stops")
    min_kappa: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        description="agreement of the policy with human labels under which no round is trained on; none: not asked for",
    )


class Spec(Section):
    """What defines the data; every stage's fingerprint holds the sections it depends on."""

    seed: int = Field(default=0, description="seed of everything random")
    rounds: int = Field(default=3, ge=0, description="T, distillation rounds; 0 is the cold start alone")
    limit: int | None = Field(default=None, ge=1, description="questions per split at most")
    embedded: EmbeddedSpec = EmbeddedSpec()
    ingest: IngestSpec = IngestSpec()
    decontamination: DecontaminationSpec = DecontaminationSpec()
    model: ModelSpec = ModelSpec()
    cold_start: ColdStartSpec = ColdStartSpec()
    sampling: SamplingSpec = SamplingSpec()
    claims: ClaimsSpec = ClaimsSpec()
    policy: PolicySpec = PolicySpec()
    counterfactual: CounterfactualSpec = CounterfactualSpec()
    panel: PanelSpec | None = Field(
        default=None, description="the LLM judges; none: the deterministic checks decide alone"
    )
    selection: SelectionSpec = SelectionSpec()
    training: TrainingSpec = TrainingSpec()
    preferences: PreferenceSpec = PreferenceSpec()
    reinforce: ReinforceSpec = ReinforceSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    gate: GateSpec = GateSpec()

    @model_validator(mode="after")
    def _model_reads_at_the_judges_server(self) -> "Spec":
        if self.claims.extractor != "grammar" and self.panel is None:
            raise ValueError(
                f"claims.extractor = {self.claims.extractor!r} asks a judge's model; "
                "add a [[spec.panel.judges]] section"
            )
        return self


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        nested_model_default_partial_update=True,
    )

    spec: Spec = Spec()
    runtime: Runtime = Runtime()
    store: StoreSettings = StoreSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, dotenv_settings, file_secret_settings
        assert isinstance(env_settings, EnvSettingsSource)
        return env_settings, init_settings


def require_workspace(root: Path) -> None:
    """Raises ConfigError where `root` is no workspace: before anything is read or written there."""
    if not (root / SETTINGS_FILE).is_file():
        raise ConfigError(f"{root} is no workspace: it has no {SETTINGS_FILE}; make one with `mgrd init {root}`")


def load_settings(root: Path, overrides: dict[str, object] | None = None) -> Settings:
    """Settings of the workspace at `root`: its mgrd.toml, then the environment, then `overrides`.

    `overrides` maps dotted keys to values, such as `{"spec.rounds": 2}`; items of a list are numbered
    (`spec.panel.judges.0.model`). Raises ConfigError that names every wrong key.
    """
    return parse_settings(root / SETTINGS_FILE, overrides)


def parse_settings(path: Path, overrides: dict[str, object] | None = None) -> Settings:
    """As `load_settings`, of any TOML file; a missing file gives the defaults."""
    try:
        settings = Settings(**(tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}))
        return settings if not overrides else _overridden(settings, overrides)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}; correct the TOML") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{_place(e['loc'])}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{path}: {wrong}; see `mgrd config schema`") from error
    except SettingsError as error:
        given = ", ".join(sorted(name for name in os.environ if name.startswith(ENV_PREFIX) and ENV_DELIMITER in name))
        raise ConfigError(f"{given}: {error.__cause__ or error}; lists and sections take JSON") from error


def _overridden(settings: Settings, overrides: dict[str, object]) -> Settings:
    """The settings with the overrides in them, all checked anew."""
    merged = settings.model_dump()
    for dotted, value in overrides.items():
        try:
            _put(merged, dotted.split("."), value)
        except (LookupError, TypeError, ValueError) as error:
            raise ConfigError(f"there is no setting {dotted}; see `mgrd config schema`") from error
    # Field by field: the whole would read the environment again, over the overrides.
    sections: dict[str, Any] = {}
    for name, section in (("spec", Spec), ("runtime", Runtime), ("store", StoreSettings)):
        try:
            sections[name] = section.model_validate(merged[name])
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, (name, *e['loc'])))}: {e['msg']}" for e in error.errors())
            raise ConfigError(
                f"what was given in place of {SETTINGS_FILE}: {wrong}; see `mgrd config schema`"
            ) from error
    return Settings.model_construct(**sections)


def _place(keys: tuple[int | str, ...]) -> str:
    """The dotted key, and the environment variable that has set it, if one has."""
    dotted = ".".join(map(str, keys))
    for end in range(len(keys), 1, -1):
        variable = ENV_PREFIX + ENV_DELIMITER.join(map(str, keys[:end])).upper()
        if variable in os.environ:
            return f"{dotted} (set by {variable})"
    return dotted


def _put(node: Any, path: list[str], value: object) -> None:
    """Set the value at the path; sections that are none are made, items of a list are numbered.

    Raises LookupError, TypeError or ValueError where the path leads nowhere.
    """
    *parents, leaf = path
    if not parents:
        raise LookupError(leaf)  # a whole section is no setting
    for key in parents:
        index: Any = int(key) if isinstance(node, list) else key
        if node[index] is None:
            node[index] = {}
        elif isinstance(node[index], tuple):
            node[index] = list(node[index])
        node = node[index]
    node[leaf] = value
