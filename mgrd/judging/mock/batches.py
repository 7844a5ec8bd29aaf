"""The mock judge's batch interface: files and batches, as much of them as a client needs."""

import json
from collections.abc import Callable, Mapping
from email import message_from_bytes

from mgrd.judging.mock.answers import Answer, completion

LOOKS = 1
"""Times that a batch is still under way when it is looked at."""


class Batches:
    """Files and batches in memory. Every line is answered as a direct request would be, faults included."""

    def __init__(self, answer: Callable[[dict], Answer]) -> None:
        self.answer = answer
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, object]] = {}
        self.looks: dict[str, int] = {}

    def reply(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, object]:
        """Status and body (JSON value or bytes) for a request below /files or /batches."""
        parts = path.split("/")
        kind = "files" if "files" in parts else "batches"
        rest = parts[parts.index(kind) + 1 :]
        if method == "POST" and not rest:
            return self._upload(headers, body) if kind == "files" else self._create(json.loads(body))
        if kind == "files" and len(rest) == 2 and rest[1] == "content" and rest[0] in self.files:
            return 200, self.files[rest[0]]
        if kind == "batches" and len(rest) == 1 and rest[0] in self.batches:
            return 200, self._look(rest[0])
        return 404, {"error": {"message": f"no such path: {path}", "type": "not_found"}}

    def _upload(self, headers: Mapping[str, str], body: bytes) -> tuple[int, object]:
        form = message_from_bytes(b"Content-Type: " + headers["content-type"].encode() + b"\r\n\r\n" + body)
        for part in form.walk():
            if part.get_filename():
                content = part.get_payload(decode=True)
                name = f"file-{len(self.files)}"
                self.files[name] = content if isinstance(content, bytes) else b""
                return 200, {"id": name, "object": "file", "bytes": len(self.files[name]), "purpose": "batch"}
        return 400, {"error": {"message": "no file in the form", "type": "invalid_request_error"}}

    def _create(self, order: dict) -> tuple[int, object]:
        if order.get("input_file_id") not in self.files:
            return 404, {"error": {"message": "no such file", "type": "not_found"}}
        name = f"batch-{len(self.batches)}"
        self.batches[name] = {
            "id": name,
            "object": "batch",
            "status": "in_progress",
            "endpoint": order.get("endpoint"),
            "completion_window": order.get("completion_window"),
            "input_file_id": order["input_file_id"],
            "created_at": 0,
        }
        self.looks[name] = 0
        return 200, self.batches[name]

    def _look(self, name: str) -> dict[str, object]:
        batch = self.batches[name]
        self.looks[name] += 1
        if batch["status"] == "in_progress" and self.looks[name] > LOOKS:
            output = f"file-{len(self.files)}"
            lines = self.files[str(batch["input_file_id"])].splitlines()
            self.files[output] = b"".join(self._line(json.loads(line)) for line in lines)
            batch |= {"status": "completed", "output_file_id": output}
        return batch

    def _line(self, line: dict) -> bytes:
        answer = self.answer(line["body"])
        response = {"status_code": answer.status, "body": completion(answer, line["body"])}
        return json.dumps({"id": "r", "custom_id": line["custom_id"], "response": response}).encode() + b"\n"
