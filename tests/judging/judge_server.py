"""A judge on loopback that does what a test tells it: good grades, and every fault a real server has."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CRITERIA = ("acoustic_grounding", "logical_coherence", "answer_follows", "surrogate", "self_cognition")


def grade(**scores: int) -> str:
    """A good reply; every criterion is 4 unless told otherwise."""
    fields: dict[str, object] = {}
    for name in CRITERIA:
        fields |= {f"{name}_reason": f"because of {name}", name: scores.get(name, 4)}
    return json.dumps(fields)


@dataclass(frozen=True)
class Answer:
    """One HTTP reply. `content` stands in a completion; with `status` above 299 it is an error's message."""

    content: str | None = ""
    finish_reason: str | None = "stop"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    refusal: str | None = None
    usage: bool = True
    drip: float = 0.0
    """Seconds between two bytes of the body: never silent for long, and never done."""
    body: str | None = None
    """Sent as it is, in the place of a completion."""


def good(**scores: int) -> Answer:
    return Answer(grade(**scores))


Script = Callable[[dict, int], Answer]
"""From a request's JSON and its number to the answer."""


@dataclass
class JudgeServer:
    """What was asked, when, and how many requests were open at once."""

    script: Script
    url: str = ""
    requests: list[dict] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def serving(script: Script) -> Iterator[JudgeServer]:
    """Serve POST /v1/chat/completions on a free port of loopback until the block ends."""
    state = JudgeServer(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with state.lock:
                number = len(state.requests)
                state.requests.append(request)
                state.headers.append({name.lower(): value for name, value in self.headers.items()})
                state.times.append(time.monotonic())
                state.open += 1
                state.most_open = max(state.most_open, state.open)
            answer = state.script(request, number)
            time.sleep(answer.delay)
            with state.lock:
                state.open -= 1
            self._send(answer, request)

        def _send(self, answer: Answer, request: dict) -> None:
            body = answer.body if answer.body is not None else json.dumps(_body(answer, request))
            data = body.encode()
            try:
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                for piece in [data] if not answer.drip else (data[i : i + 1] for i in range(len(data))):
                    self.wfile.write(piece)
                    time.sleep(answer.drip)
            except OSError:  # the client gave up waiting, as some tests want
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _body(answer: Answer, request: dict) -> dict[str, object]:
    if answer.status > 299:
        return {"error": {"message": answer.content, "type": "server_error"}}
    message = {"role": "assistant", "content": answer.content, "refusal": answer.refusal}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}],
        **({"usage": usage} if answer.usage else {}),
    }
