"""What is asked of an export."""

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mgrd.export.formats import EMBEDDED_ALWAYS, IMPOSSIBLE, NO_EMBEDDING, Format, Purpose


class ExportConfig(BaseModel):
    """What an export is asked for; all of it but `audio_root` enters the export's fingerprint."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    round: int = Field(ge=1)
    format: Format = "hf"
    purpose: Purpose = "sft"
    embed_audio: bool = False
    seed: int = 0
    """Of the row order and of the held-out split."""
    holdout: float = Field(default=0.05, ge=0, le=0.5)
    """Share of source clips whose rows go to `validation`."""
    world_size: int = Field(default=8, ge=1, le=4096)
    """Shard counts are multiples of it, so that as many ranks get equal shares."""
    outside: bool = False
    """Purpose rl: also questions outside the difficulty window."""
    audio_root: str | None = None
    """Folder that stands before audio paths where a format wants absolute ones; None: `DIR/audio`."""

    @model_validator(mode="after")
    def _possible(self) -> "ExportConfig":
        if reason := IMPOSSIBLE.get((self.format, self.purpose)):
            raise ValueError(reason)
        if self.embed_audio and self.format in NO_EMBEDDING:
            raise ValueError(f"{NO_EMBEDDING[self.format]}; leave out --embed-audio")
        if self.outside and self.purpose != "rl":
            raise ValueError("the difficulty window concerns purpose rl alone; leave out --outside")
        return self

    @property
    def embeds(self) -> bool:
        """Whether the shards hold the audio themselves."""
        return self.embed_audio or self.format in EMBEDDED_ALWAYS

    @property
    def relative_audio(self) -> bool:
        """Whether the format's reader finds audio files from the place of its own file."""
        return self.format in NO_EMBEDDING

    @property
    def identity(self) -> dict[str, object]:
        """The part that says what the data is, not where it lies."""
        return self.model_dump(exclude={"audio_root"})
