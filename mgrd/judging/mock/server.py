"""The mock judge's server: HTTP/1.1 on asyncio streams, small enough to misbehave on purpose.

    POST /v1/chat/completions    a grade, or the fault that the plan has for this request
    GET  /v1/models              the model's name
    /v1/files, /v1/batches       the provider's batch interface, answered at once
    PUT  /mock/faults            a new fault plan (JSON list); DELETE clears it
    GET  /mock/requests          how many requests came, were open at once, and got which fault

It keeps what it was asked, for tests to look at. Not for anything but loopback: it trusts its client.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mgrd.errors import ConfigError
from mgrd.judging.mock.answers import Answer, completion, head
from mgrd.judging.mock.batches import Batches
from mgrd.judging.mock.faults import Plan, parse_plan
from mgrd.judging.mock.grading import graded, prompt_of

MOST_BODY = 512 * 1024 * 1024
HOST = "127.0.0.1"

Script = Callable[[dict, int], Answer]
"""From a request's JSON and its number to the answer."""


@dataclass(slots=True)
class Exchange:
    """One HTTP request as it was read."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class MockJudge:
    """What the server answers with, and what it was asked. Times are of the monotonic clock, in seconds."""

    script: Script | None = None
    latency: float = 0.0
    plan: Plan = field(default_factory=Plan)
    batches: bool = True
    """Whether it has a batch interface."""
    url: str = ""
    requests: list[dict] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    faulty: int = 0

    def __post_init__(self) -> None:
        self.desk = Batches(self.answer)

    def answer(self, request: dict) -> Answer:
        """The answer to one chat completion request, asked directly or in a batch."""
        number = len(self.requests)
        self.requests.append(request)
        self.times.append(time.monotonic())
        if self.script is not None:
            return self.script(request, number)
        prompt = prompt_of(request)
        fault = self.plan.next_fault(prompt)
        self.faulty += fault is not None
        return fault if fault is not None else graded(prompt, request)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it closes."""
        try:
            while (exchange := await _read(reader)) is not None:
                await self._reply(exchange, writer)
                if writer.is_closing():
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return  # the client went away, or speaks something else
        finally:
            writer.close()

    async def _reply(self, exchange: Exchange, writer: asyncio.StreamWriter) -> None:
        path = exchange.path.split("?", 1)[0].rstrip("/")
        if exchange.method == "POST" and path.endswith("/chat/completions"):
            await self._complete(exchange, writer)
            return
        if path.startswith("/mock"):
            status, value = self._administer(exchange, path)
        elif path.endswith("/models"):
            status, value = 200, {"object": "list", "data": [{"id": "mock-judge", "object": "model"}]}
        elif self.batches and ("/files" in path or "/batches" in path):
            status, value = self.desk.reply(exchange.method, path, exchange.headers, exchange.body)
        else:
            status, value = 404, {"error": {"message": f"no such path: {path}", "type": "not_found"}}
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        writer.write(head(status, len(data), {}) + data)
        await writer.drain()

    async def _complete(self, exchange: Exchange, writer: asyncio.StreamWriter) -> None:
        self.headers.append(exchange.headers)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            request = json.loads(exchange.body)
            answer = self.answer(request)
            await asyncio.sleep(answer.delay or self.latency)
        finally:
            self.open -= 1
        body = answer.body if answer.body is not None else json.dumps(completion(answer, request))
        data = body.encode("utf-8", "surrogatepass")
        writer.write(head(answer.status, len(data), answer.headers))
        if answer.drip:
            for place in range(len(data)):
                writer.write(data[place : place + 1])
                await writer.drain()
                await asyncio.sleep(answer.drip)
            return
        writer.write(data[: len(data) // 2] if answer.cut else data)
        await writer.drain()
        if answer.cut:
            writer.close()

    def _administer(self, exchange: Exchange, path: str) -> tuple[int, object]:
        if path == "/mock/faults" and exchange.method in {"PUT", "POST", "DELETE"}:
            try:
                self.plan = Plan() if exchange.method == "DELETE" else parse_plan(exchange.body.decode())
            except (ConfigError, UnicodeDecodeError) as error:
                return 400, {"error": {"message": str(error), "type": "invalid_request_error"}}
        elif path != "/mock/requests":
            return 404, {"error": {"message": f"no such path: {path}", "type": "not_found"}}
        counts = {"requests": len(self.requests), "most_open": self.most_open, "faulty": self.faulty}
        return 200, {**counts, "faults": [fault.model_dump(exclude_none=True) for fault in self.plan.faults]}


async def _read(reader: asyncio.StreamReader) -> Exchange | None:
    """The next request of a connection; None at its end."""
    try:
        opening = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = opening.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    headers = {name.strip().lower(): text.strip() for name, text in pairs}
    length = int(headers.get("content-length", "0"))
    if length > MOST_BODY:
        raise ValueError("body too large")
    return Exchange(method, path, headers, await reader.readexactly(length))


async def serve(judge: MockJudge, port: int = 0, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve on loopback until cancelled; `on_ready` gets the address once requests are taken. Port 0 takes a free one.

    Raises ConfigError when the port is taken.
    """
    try:
        server = await asyncio.start_server(judge.converse, HOST, port)
    except OSError as error:
        raise ConfigError(f"cannot serve at {HOST}:{port}: {error}; choose another --port") from error
    judge.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}/v1"
    if on_ready is not None:
        on_ready(judge.url)
    async with server:
        await server.serve_forever()


@contextmanager
def serving(
    script: Script | None = None, *, plan: Plan | None = None, latency: float = 0.0, batches: bool = True
) -> Iterator[MockJudge]:
    """A mock judge on a free port of loopback, in a thread of its own until the block ends."""
    judge = MockJudge(script, latency=latency, plan=plan or Plan(), batches=batches)
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    task = loop.create_task(serve(judge, on_ready=lambda _: ready.set()))

    def run() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            for other in asyncio.all_tasks(loop):
                other.cancel()
            loop.run_until_complete(asyncio.sleep(0))
        finally:
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield judge
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
