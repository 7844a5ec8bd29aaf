"""One answer of the mock judge, and how it becomes bytes of HTTP."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.verdicts import CRITERIA

BYTES_PER_TOKEN = 4
STATUS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    422: "Unprocessable Entity", 429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP reply. `content` stands in a completion; with `status` above 299 it is an error's message."""

    content: str | None = ""
    finish_reason: str | None = "stop"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the first byte."""
    refusal: str | None = None
    usage: bool = True
    """Whether tokens are counted."""
    drip: float = 0.0
    """Seconds between two bytes of the body: never silent for long, and never done."""
    cut: bool = False
    """Half of the body, then the connection closes."""
    body: str | None = None
    """Sent as it is, in the place of a completion."""
    param: str | None = None
    """The parameter that an error names."""


def grade(**scores: int) -> str:
    """A good reply; every criterion is 4 unless told otherwise."""
    fields: dict[str, object] = {}
    for name in CRITERIA:
        fields |= {f"{name}_reason": f"because of {name}", name: scores.get(name, 4)}
    return json.dumps(fields)


def good(**scores: int) -> Answer:
    return Answer(grade(**scores))


def completion(answer: Answer, request: Mapping[str, object]) -> dict[str, object]:
    """The JSON body of the answer to a chat completion request."""
    if answer.status > 299:
        return {"error": {"message": answer.content, "type": "server_error", "param": answer.param, "code": None}}
    messages = request.get("messages")
    asked = sum(len(str(message)) for message in messages) if isinstance(messages, list) else 0
    prompt_tokens, completion_tokens = asked // BYTES_PER_TOKEN, len(answer.content or "") // BYTES_PER_TOKEN
    message = {"role": "assistant", "content": answer.content, "refusal": answer.refusal}
    usage = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
    return {
        "id": "chatcmpl-mock",
        "object": "chat.completion",
        "created": 0,
        "model": request.get("model", "mock"),
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}],
        **({"usage": usage} if answer.usage else {}),
    }


def head(status: int, length: int, headers: Mapping[str, str]) -> bytes:
    """Status line and headers of a response."""
    fields = {"Content-Type": "application/json", **headers, "Content-Length": str(length)}
    lines = [f"HTTP/1.1 {status} {STATUS.get(status, 'Status')}", *(f"{name}: {text}" for name, text in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
