"""The `spec` half of the settings: what defines the data, and enters fingerprints of the stages that depend on it."""

from typing import Literal

from pydantic import Field, model_validator

from mgrd.arms import Arm
from mgrd.settings.policy import ClaimsSpec, CounterfactualSpec, PanelSpec, PolicySpec
from mgrd.settings.section import Section
from mgrd.settings.training import PreferenceSpec, ReinforceSpec, TrainingSpec


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
