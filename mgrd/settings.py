"""All settings: one TOML file, checked by pydantic, unknown keys refused.

`spec` defines the data and enters stage fingerprints; `runtime` says how the work runs and never
does. Environment variables `MGRD_SPEC__SAMPLING__SAMPLES=4` override the file. Secrets come from the
environment at the place of use and are never part of the settings.
"""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from mgrd.errors import ConfigError

SETTINGS_FILE = "mgrd.toml"

Arm = Literal["filtered", "correct-only", "unfiltered"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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


class ColdStartSpec(Section):
    """Stage A: the model first learns to hear, then to write chains in a mixture of styles."""

    hearing_steps: int = Field(default=500, ge=0, description="steps on descriptions and direct answers")
    chain_steps: int = Field(default=150, ge=0, description="steps on chains")
    hearing_rate: float = Field(default=1e-3, gt=0, description="learning rate of the hearing phase")
    chain_rate: float = Field(default=5e-4, gt=0, description="learning rate of the chain phase")
    grounded: float = Field(default=0.20, ge=0, le=1, description="share of chains that cite what is heard")
    surrogate: float = Field(
        default=0.40, ge=0, le=1, description="share of chains that argue from an imagined transcript"
    )
    wrong: float = Field(default=0.25, ge=0, le=1, description="share of chains with wrong acoustic claims")
    direct: float = Field(default=0.15, ge=0, le=1, description="share of answers with an empty think block")
    right_answers: float = Field(default=0.72, ge=0, le=1, description="share of right answers, equal in every style")


class SamplingSpec(Section):
    """Equation 4: K chains per question from the current model."""

    samples: int = Field(default=8, ge=1, description="K, chains per question")
    temperature: float = Field(default=1.0, gt=0, description="softmax temperature")
    top_p: float = Field(default=1.0, gt=0, le=1, description="nucleus mass")
    max_new_tokens: int = Field(default=64, ge=4, description="completion limit")
    prompt: str = Field(default="sample/perceive", description="prompt template in prompts/")


class GroundingSpec(Section):
    """The policy of the grounding filter."""

    min_supported: int = Field(default=1, ge=0, description="supported claims that a chain needs")
    max_contradicted: int = Field(default=0, ge=0, description="contradicted claims that a chain may have")
    max_surrogate_share: float = Field(
        default=0.0, ge=0, le=1, description="share of the chain that may argue from text"
    )
    relevant: bool = Field(default=True, description="a supported claim must speak of what the question asks")


class ClaimsSpec(Section):
    """Who reads what a chain claims: the grammar, a language model at the judge's server, or both."""

    extractor: Literal["grammar", "llm", "both"] = Field(
        default="grammar", description="`llm` and `both` ask the model of `spec.judge`"
    )
    prompt: str = Field(default="claims/extract", description="prompt template in prompts/ for `llm` and `both`")


class JudgeSpec(Section):
    """An LLM judge at any OpenAI-compatible server. Without this section the deterministic checks decide alone."""

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
    min_grounding: float = Field(default=3.0, ge=1, le=5, description="acoustic grounding from which a chain is kept")
    min_coherence: float = Field(default=3.0, ge=1, le=5, description="logical coherence from which a chain is kept")
    concurrency: int = Field(default=16, ge=1, description="requests at once at most; fewer while the server is busy")
    timeout_seconds: float = Field(default=120.0, gt=0, description="time a reply may take")
    attempts: int = Field(default=6, ge=1, description="tries per request before the judge counts as unreachable")
    max_cost: float | None = Field(default=None, gt=0, description="spent on a round's verdicts at most")
    price_in: float = Field(default=0.0, ge=0, description="price of a million prompt tokens")
    price_out: float = Field(default=0.0, ge=0, description="price of a million reply tokens")

    @model_validator(mode="after")
    def _limit_needs_prices(self) -> "JudgeSpec":
        if self.max_cost is not None and not (self.price_in and self.price_out):
            raise ValueError("max_cost needs price_in and price_out: without prices nothing ever reaches the limit")
        return self


class SelectionSpec(Section):
    """From decisions to training rows."""

    arm: Arm = Field(default="filtered", description="`filtered`, or one of the controls `correct-only`, `unfiltered`")
    per_question: int = Field(default=2, ge=1, description="chains kept per question inside the window")
    per_question_outside: int = Field(default=1, ge=0, description="chains kept per question outside the window")
    window_low: int = Field(default=1, ge=0, description="fewest correct samples of a question inside the window")
    window_high: int = Field(default=7, ge=0, description="most correct samples of a question inside the window")
    near_duplicate: float = Field(
        default=0.9, gt=0, le=1, description="word-set similarity from which chains are duplicates"
    )


class TrainingSpec(Section):
    """Equation 5: SFT on kept chains with text-reasoning replay."""

    steps: int = Field(default=120, ge=1, description="optimizer steps per round")
    batch_rows: int = Field(default=32, ge=1, description="training rows per step")
    learning_rate: float = Field(default=4e-4, gt=0, description="peak learning rate, cosine to zero")
    warmup: float = Field(default=0.1, ge=0, lt=1, description="share of steps that warm up")
    weight_decay: float = Field(default=0.01, ge=0, description="AdamW weight decay")
    text_share: float = Field(default=0.1, ge=0, lt=1, description="share of text-reasoning rows")
    accumulate: bool = Field(default=True, description="train on the kept chains of all rounds so far")
    start: Literal["continue", "base"] = Field(
        default="continue", description="start from the last model or the cold start"
    )


class EvaluationSpec(Section):
    """Held-out figures: `dev` serves choosing, `test` is only reported."""

    samples: int = Field(default=4, ge=1, description="sampled chains per held-out question, beside the greedy one")
    bootstrap: int = Field(default=1000, ge=10, description="bootstrap resamples, by source")


class GateSpec(Section):
    """Promotion and stop rules, read on the dev split."""

    max_accuracy_drop: float = Field(default=0.03, ge=0, description="drop in sampled accuracy that still promotes")
    max_grounded_drop: float = Field(default=0.05, ge=0, description="drop in grounded share that still promotes")
    min_reasoning_tokens: float = Field(
        default=4.0, ge=0, description="mean length under which reasoning has collapsed"
    )
    patience: int = Field(default=2, ge=1, description="rounds without promotion after which the campaign stops")


class Spec(Section):
    """What defines the data; every stage's fingerprint holds the sections it depends on."""

    seed: int = Field(default=0, description="seed of everything random")
    rounds: int = Field(default=3, ge=0, description="T, distillation rounds; 0 is the cold start alone")
    limit: int | None = Field(default=None, ge=1, description="questions per split at most")
    embedded: EmbeddedSpec = EmbeddedSpec()
    ingest: IngestSpec = IngestSpec()
    model: ModelSpec = ModelSpec()
    cold_start: ColdStartSpec = ColdStartSpec()
    sampling: SamplingSpec = SamplingSpec()
    grounding: GroundingSpec = GroundingSpec()
    claims: ClaimsSpec = ClaimsSpec()
    judge: JudgeSpec | None = Field(
        default=None, description="the LLM judge; none: the deterministic checks decide alone"
    )
    selection: SelectionSpec = SelectionSpec()
    training: TrainingSpec = TrainingSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    gate: GateSpec = GateSpec()

    @model_validator(mode="after")
    def _model_reads_at_the_judges_server(self) -> "Spec":
        if self.claims.extractor != "grammar" and self.judge is None:
            raise ValueError(
                f"claims.extractor = {self.claims.extractor!r} asks the judge's model: add a [spec.judge] section"
            )
        return self


class Runtime(Section):
    """How the work runs; changing it never changes the data's identity."""

    engine: Literal["transformers"] = Field(default="transformers", description="what samples and scores")
    device: str = Field(default="cpu", description="where the model runs: `cpu`, `cuda` or `cuda:1`")
    workers: int = Field(default=0, ge=0, description="processes for audio work; 0: one per core")
    batch_requests: int = Field(default=32, ge=1, description="questions per sampling batch")
    max_error_rate: float = Field(default=0.1, ge=0, le=1, description="share of quarantined rows that stops a stage")


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="MGRD_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    spec: Spec = Spec()
    runtime: Runtime = Runtime()

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


def load_settings(root: Path, overrides: dict[str, object] | None = None) -> Settings:
    """Settings of the workspace at `root`: its mgrd.toml, then the environment, then `overrides`.

    `overrides` maps dotted keys to values, such as `{"spec.rounds": 2}`. Raises ConfigError that
    names every wrong key.
    """
    return parse_settings(root / SETTINGS_FILE, overrides)


def parse_settings(path: Path, overrides: dict[str, object] | None = None) -> Settings:
    """As `load_settings`, of any TOML file; a missing file gives the defaults."""
    try:
        settings = Settings(**(tomllib.loads(path.read_text()) if path.exists() else {}))
        if not overrides:
            return settings
        merged = settings.model_dump()
        for dotted, value in overrides.items():
            *parents, leaf = dotted.split(".")
            node = merged
            for parent in parents:
                if node[parent] is None:
                    node[parent] = {}
                node = node[parent]
            node[leaf] = value
        return Settings.model_construct(
            spec=Spec.model_validate(merged["spec"]), runtime=Runtime.model_validate(merged["runtime"])
        )
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}; correct the TOML") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{path}: {wrong}; see `mgrd config schema`") from error
