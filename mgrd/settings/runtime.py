"""The `runtime` half of the settings: how the work runs. Nothing here enters the identity of a stage."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from mgrd.settings.section import KeyVariable, Section, ServerAddress


class StoreSettings(Section):
    """Where the tables are. Audio, checkpoints and caches stay in the workspace."""

    uri: str | None = Field(
        default=None,
        pattern=r"^(s3|gs|az)://[^/\s]+(/[^\s]*)?$",
        description="`s3://`, `gs://` or `az://` address below which the tables lie; none: in the workspace. "
        "Credentials come from the environment, as delta-rs reads them",
    )


class ModelRuntime(Section):
    """How a model outside this project's code is asked; docs/engines.md has recipes for known models."""

    samples: Literal["repeat", "n"] = Field(
        default="repeat",
        description="K chains of a question: one request each, with its own seed, or one request with `n`",
    )
    assistant_prefix: str = Field(
        default="", description="how the answer begins; sent as an unfinished turn (`continue_final_message`)"
    )
    system: str = Field(default="", description="system turn before the question; empty: none")
    stop: tuple[str, ...] = Field(default=(), description="texts that end an answer, beside the model's own end")
    stop_token_ids: tuple[int, ...] = Field(default=(), description="token ids that end an answer")
    max_audio_seconds: float = Field(
        default=30.0, gt=0, description="the model's window; a longer clip is refused, servers cut it silently"
    )
    audio_tokens_per_second: float = Field(
        default=25.0, gt=0, description="audio tokens of a second of sound, where they are not counted"
    )
    extra: dict[str, Any] = Field(default={}, description="further fields of the request, as the server knows them")


class ServerRuntime(ModelRuntime):
    """The OpenAI-compatible server of `engine = "openai"`; docs/engines.md has recipes for known models."""

    base_url: ServerAddress
    model: str = Field(
        default="{model_id}",
        min_length=1,
        description="name that the server gives the model; `{model_id}` stands for the checkpoint's id",
    )
    api_key_env: KeyVariable = None
    start: tuple[str, ...] = Field(
        default=(),
        description="command that serves a checkpoint, word by word; `{folder}`, `{servable}` (the folder, or a copy "
        "of it in shapes that vLLM takes), `{model_id}`, `{host}` and `{port}` are filled in. It is started for each "
        "checkpoint, and again when it dies. Empty: somebody else's server",
    )
    audio: Literal["input_audio", "audio_url"] = Field(
        default="input_audio", description="how a clip is sent: as base64 WAV, or as a data URI"
    )
    concurrency: int = Field(default=16, ge=1, description="requests at once at most; fewer while the server is busy")
    timeout_seconds: float = Field(default=600.0, gt=0, description="time a reply may take")
    attempts: int = Field(default=4, ge=1, description="tries per request before the server counts as out of reach")
    patience_seconds: float = Field(
        default=1800.0, ge=0, description="how long a server that is out of reach is waited for, each time"
    )

    @model_validator(mode="after")
    def _can_be_filled_in(self) -> "ServerRuntime":
        known = {"folder": "", "model_id": "", "host": "", "port": ""}
        texts = [(self.model, known), *((word, known | {"servable": ""}) for word in self.start)]
        for text, blanks in texts:
            try:
                text.format(**blanks)
            except (LookupError, ValueError) as error:
                names = ", ".join(f"{{{name}}}" for name in blanks)
                raise ValueError(f"{text!r}: only {names} are filled in; write other braces twice") from error
        return self


class VllmRuntime(ModelRuntime):
    """The vLLM of `engine = "vllm"`: loaded by a process of this one's own, without a server."""

    python: str = Field(
        default="",
        description="Python of the environment that has vLLM, whose packages do not go together with this project's; "
        "empty: the one that runs this",
    )
    options: dict[str, Any] = Field(
        default={}, description="further arguments of `vllm.LLM`, such as dtype or tensor_parallel_size"
    )
    environment: dict[str, str] = Field(default={}, description="environment variables of its process")
    mm_cache_gb: float = Field(
        default=1.0, ge=0, description="memory for clips that vLLM has prepared, in GiB; 0: none"
    )
    recycle_batches: int = Field(
        default=200, ge=0, description="batches after which its process is ended and started anew; 0: never"
    )
    stall_seconds: float = Field(
        default=900.0, gt=0, description="time without a finished chain after which its process is started anew"
    )
    start_seconds: float = Field(default=1800.0, gt=0, description="time that loading the model may take")
    restarts: int = Field(
        default=3, ge=0, description="times in a row that its process may die or stall before the stage stops"
    )


class FaultCondition(Section):
    """When a programmed fault strikes: every condition that is given must hold; without any, always."""

    first: int | None = Field(default=None, ge=1, description="the first n")
    every: int | None = Field(default=None, ge=1, description="every n-th")
    when: str | None = Field(default=None, description="those whose prompt holds this text")
    times: int | None = Field(default=None, ge=1, description="at most so often")


EngineFault = Literal[
    "error", "stop", "kill", "hang", "missing",
    "cut", "empty", "no-think", "unclosed", "doubled", "surrogate", "denial", "json", "echo", "garbage",
]  # fmt: skip


class MockFault(FaultCondition):
    """A fault of `engine = "mock"`, counted in chains. Repeat the section for each; the first that is due strikes."""

    fault: EngineFault = Field(
        description="of the engine: `error` loses the question, `stop` the engine, `kill` the process, `hang` waits, "
        "`missing` returns nothing; the others are of what is written"
    )
    seconds: float = Field(default=1.0, ge=0, description="how long a `hang` lasts")


class MockRuntime(Section):
    """What goes wrong with `engine = "mock"`, to rehearse it."""

    faults: tuple[MockFault, ...] = Field(default=(), description="the faults, one section each")


StageKind = Literal[
    "ingest", "evidence", "derive", "decontaminate", "demonstrations", "hearing", "cold start", "sample", "ground",
    "judge", "counterfactual", "decide", "select", "train", "pair", "dpo", "reinforce", "evaluate",
]  # fmt: skip
"""How the names of stages begin: `sample` is sample-distill, sample-evaluate and so on."""


class Runtime(Section):
    """How the work runs; changing it never changes the data's identity."""

    engine: Literal["transformers", "vllm", "openai", "mock"] = Field(
        default="transformers",
        description="what samples and scores: the checkpoint in this process, or in vLLM (`runtime.vllm`), the server "
        "of `runtime.server`, or canned chains without any model",
    )
    device: str = Field(default="cpu", description="where the model runs: `cpu`, `cuda` or `cuda:1`")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="of matrix products in training; `auto`: bfloat16 where the hardware multiplies it"
    )
    part_rows: int = Field(
        default=0, ge=0, description="training rows computed at once, their gradients add up; 0: the whole batch"
    )
    activation_checkpointing: bool = Field(
        default=False, description="compute activations twice in training instead of keeping them: less memory, slower"
    )
    checkpoint_steps: int = Field(
        default=100, ge=0, description="steps between two checkpoints that a killed training goes on from; 0: none"
    )
    checkpoint_rollouts: int = Field(
        default=10, ge=0, description="the same of reinforcement, whose steps each sample their chains; 0: none"
    )
    keep_models: int | None = Field(
        default=None,
        ge=1,
        description="rounds whose checkpoints stay on disk, beside the cold start and the current model; none: all",
    )
    launch: tuple[str, ...] = Field(
        default=(),
        description="command that starts SFT in processes of its own, word by word, such as `accelerate launch "
        "--config_file FILE`; empty: in this process",
    )
    workers: int = Field(
        default=0, ge=0, description="processes for audio work and for reading chains; 0: one per core"
    )
    executor: Literal["local", "ray"] = Field(
        default="local",
        description="where clips are measured, and chains sampled, read and judged: this machine, or a Ray cluster "
        "(`pip install mgrd[ray]`)",
    )
    ray_address: str | None = Field(
        default=None, description="of the cluster, such as ray://head:10001; none: Ray starts on this machine"
    )
    ray_gpus: float = Field(
        default=0.0,
        ge=0,
        description="GPUs that each worker of a Ray cluster holds while it samples; it opens one engine on them",
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="of the log on standard error: lines for people, or one JSON object a line"
    )
    batch_requests: int = Field(default=32, ge=1, description="questions per sampling batch")
    fail_on_error: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="share of a stage's rows in quarantine from which the stage stops; 1: never",
    )
    stage_timeout_seconds: float | None = Field(
        default=None,
        gt=0,
        description="time that a stage may take in one go; then it is stopped as by Ctrl-C and goes on when it is run "
        "again. None: no limit",
    )
    stage_timeouts: dict[StageKind, Annotated[float, Field(gt=0)]] = Field(
        default={}, description='the same for stages by how their name begins, such as `{"sample": 7200}`'
    )
    max_cost: float | None = Field(
        default=None,
        ge=0,
        description="money that judges may cost in this workspace, all rounds together; none: no limit. "
        "Needs the prices of every judge",
    )
    server: ServerRuntime | None = Field(default=None, description='the server of `engine = "openai"`')
    vllm: VllmRuntime = VllmRuntime()
    mock: MockRuntime = MockRuntime()

    def time_limit(self, stage: str) -> float | None:
        """Seconds that a stage of this name may take; None: no limit."""
        own = (
            limit for kind, limit in self.stage_timeouts.items() if f"{stage} ".replace("-", " ").startswith(f"{kind} ")
        )
        return next(own, self.stage_timeout_seconds)

    @model_validator(mode="after")
    def _has_its_server(self) -> "Runtime":
        if self.engine == "openai" and self.server is None:
            raise ValueError('engine = "openai" needs a [runtime.server] section with the base_url of a server')
        return self
