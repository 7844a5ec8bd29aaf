"""A local S3 server in a process of its own, for tests of tables in an object store."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.prefect_server import free_port

START_SECONDS = 120.0


@contextmanager
def object_store(bucket: str) -> Iterator[dict[str, str]]:
    """Start a server with an empty bucket; the value is the environment in which delta-rs reaches it."""
    url = f"http://127.0.0.1:{free_port()}"
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", url.rsplit(":", 1)[1]],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _made(f"{url}/{bucket}"):
            assert server.poll() is None, "the S3 server did not start"
            assert time.monotonic() < deadline, "the S3 server does not answer"
            time.sleep(0.2)
        yield {
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true", "AWS_ENDPOINT_URL": url,
        }  # fmt: skip
    finally:
        server.terminate()
        server.wait(30)


def _made(url: str) -> bool:
    try:
        urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=5)
    except (urllib.error.URLError, OSError):
        return False
    return True
