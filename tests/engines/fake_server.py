"""A small OpenAI-compatible server for tests: real HTTP on loopback, scripted, and able to go away and come back."""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, Mapping[str, Any]]
Script = Callable[[dict[str, Any], int], Reply]
"""From a request's body and its number to status and body."""


def chain(text: str = "<think>\nthe pitch rises\n</think>\n\nrising", **fields: Any) -> dict[str, Any]:
    """A choice; its tokens are words."""
    words = text.split(" ")
    words = [word if at == 0 else f" {word}" for at, word in enumerate(words)]
    listed = [{"token": word, "logprob": -0.5} for word in words]
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {**choice, "logprobs": {"content": listed}, **fields}


def completion(*choices: dict[str, Any], usage: dict[str, Any] | None = None) -> Reply:
    counted = {"prompt_tokens": 60, "completion_tokens": 7 * len(choices)} if usage is None else usage
    numbered = [{"index": number, **choice} for number, choice in enumerate(choices)]
    return 200, {"object": "chat.completion", "choices": numbered, "usage": counted}


def refusal(status: int, message: str = "no", param: str | None = None) -> Reply:
    return status, {"error": {"message": message, "param": param, "type": "error"}}


def scored(body: dict[str, Any], _: int) -> Reply:
    """As a template with three tokens before the answer and one behind the end of turn; tokens are words.

    The log-probabilities fall token by token, by 1 where the question is a text and by 2 where it has a sound.
    """
    tokens = ["<user>", "What moves?", "<model>"]
    if body["messages"][-1]["role"] == "assistant":
        words = body["messages"][-1]["content"].split(" ")
        tokens += [word if at == 0 else f" {word}" for at, word in enumerate(words)]
        tokens += [] if body["continue_final_message"] else ["<end>", "\n"]
    fall = 1.0 if isinstance(body["messages"][0]["content"], str) else 2.0
    listed = [None, *({str(at): {"logprob": -fall * at, "decoded_token": t}} for at, t in enumerate(tokens) if at)]
    status, reply = completion(chain("x"), usage={"prompt_tokens": len(tokens), "completion_tokens": 1})
    return status, {**reply, "prompt_logprobs": listed if "prompt_logprobs" in body else None}


class FakeServer:
    """Serves while it is `up`; what it was asked stays in `bodies`."""

    def __init__(self, script: Script | None = None, model: str = "m", root: str | None = None) -> None:
        self.script = script or (lambda body, _: completion(*[chain()] * body.get("n", 1)))
        self.models: Reply = (200, {"data": [{"id": model, "root": root}]})
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.port = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> "FakeServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, at the same port as before."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(fake.models)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with fake._lock:
                    number = len(fake.bodies)
                    fake.bodies.append(body)
                    fake.keys.append(self.headers.get("Authorization"))
                self._send(fake.script(body, number))

            def _send(self, reply: Reply) -> None:
                data = json.dumps(reply[1]).encode()
                self.send_response(reply[0])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
