"""What a server understands of a request, learnt from what it refuses.

The ladder of reply formats goes from strict to plain: a JSON schema, any JSON object, tagged text as
the prompt asks for. Some servers also know the reply limit by another name, or no temperature. What
is learnt from one request holds for all that begin later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import openai

from mgrd.judging.rubric import reply_schema
from mgrd.settings import JudgeSpec

FORMATS: tuple[dict[str, object] | None, ...] = (
    {"type": "json_schema", "json_schema": {"name": "grade", "strict": True, "schema": reply_schema()}},
    {"type": "json_object"},
    None,
)

Messages = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """`format` is an index into FORMATS; `limit` the name of the reply limit; `temperature` whether it may be set."""

    format: int = 0
    limit: str = "max_tokens"
    temperature: bool = True

    def body(self, judge: JudgeSpec, messages: Sequence[dict[str, str]]) -> dict[str, object]:
        """The JSON body of a chat completion request."""
        body: dict[str, object] = {"model": judge.model, "messages": list(messages), self.limit: judge.max_tokens}
        if self.temperature:
            body["temperature"] = judge.temperature
        if FORMATS[self.format] is not None:
            body["response_format"] = FORMATS[self.format]
        return body

    def simpler(self, refusal: openai.APIStatusError) -> "Dialect | None":
        """What to try after a refusal, or None when nothing simpler is left.

        A server that names the parameter it refuses is believed; one that does not is asked for the
        next simpler format.
        """
        if refusal.param == "max_tokens" and self.limit == "max_tokens":
            return replace(self, limit="max_completion_tokens")
        if refusal.param == "temperature" and self.temperature:
            return replace(self, temperature=False)
        return replace(self, format=self.format + 1) if self.format + 1 < len(FORMATS) else None

    def joined(self, other: "Dialect") -> "Dialect":
        """What satisfies both: requests that run side by side learn separately."""
        limit = self.limit if self.limit != "max_tokens" else other.limit
        return Dialect(max(self.format, other.format), limit, self.temperature and other.temperature)
