"""Throughput of the judge against a bare loop: the same prompts, server, latency and number of requests at once.

The server is the mock judge in a process of its own. The bare loop does what cannot be spared: it
posts with httpx and reads the reply's JSON. The judge does all that it does in a campaign. Runs
alternate, so that a busy machine slows both; the medians are compared. Nothing is written.

    python benchmarks/judge.py [--chains 500] [--concurrency 16] [--latency 0.05] [--repeats 9]
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from mgrd.judging import Case, judge_chains
from mgrd.judging.cases import judge_prompt
from mgrd.judging.dialect import Dialect
from mgrd.settings import JudgeSpec, PanelSpec
from prompts import load_prompt

EVIDENCE = "\n".join(
    (
        "- f0 trend: 5 semitones; from 0.00 to 3.00 s (contour is rising)",
        "- loudness trend: 0.4 dB/s; from 0.00 to 3.00 s (loudness is steady)",
        "- onset (s, each with its time): 0.1 (0.00 s), 0.6 (0.50 s), 1.1 (1.00 s)",
        "- tempo: 120 BPM; from 0.00 to 3.00 s (tempo is moderate)",
    )
)


def main() -> int:
    parser = argparse.ArgumentParser(description="Judge against bare httpx loop.")
    parser.add_argument("--chains", type=int, default=500)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args()
    with mock_judge(given.latency) as url:
        judge = JudgeSpec(base_url=url, model="mock-judge", concurrency=given.concurrency)
        chains = cases(given.chains)
        measure_bare(judge, chains[:50])
        measure_judge(judge, chains[:50])
        bare: list[float] = []
        ours: list[float] = []
        for repeat in range(given.repeats):
            turns = [(measure_bare, bare), (measure_judge, ours)]
            for measure, rates in turns if repeat % 2 else reversed(turns):
                rates.append(measure(judge, chains))
    first, second = statistics.median(bare), statistics.median(ours)
    ceiling = given.concurrency / given.latency
    print(f"{given.chains} chains, {given.concurrency} at once, {given.latency:g} s latency: at most {ceiling:.0f}/s")
    print(f"bare asyncio + httpx  {first:7.1f} chains/s  ({', '.join(f'{rate:.1f}' for rate in bare)})")
    print(f"judge_chains          {second:7.1f} chains/s  ({', '.join(f'{rate:.1f}' for rate in ours)})")
    print(f"ratio                 {second / first:7.3f}")
    return 0 if second >= 0.9 * first else 1


def cases(count: int) -> list[Case]:
    chain = "The pitch climbs from low to high over three notes, evenly spaced, so the contour is rising."
    return [
        Case(f"t{number}", "How does the pitch move?", ("rising", "falling"), f"{chain} ({number})", "rising", EVIDENCE)
        for number in range(count)
    ]


def measure_bare(judge: JudgeSpec, chains: list[Case]) -> float:
    """Chains per second of the bare loop; the prompts are rendered before the clock starts."""
    prompt = load_prompt(judge.prompt)
    bodies = [Dialect().body(judge, [{"role": "user", "content": judge_prompt(prompt, case)}]) for case in chains]

    async def run() -> float:
        queue = iter(bodies)
        limits = httpx.Limits(max_connections=judge.concurrency, max_keepalive_connections=judge.concurrency)
        async with httpx.AsyncClient(base_url=judge.base_url, timeout=60.0, limits=limits) as client:

            async def work() -> None:
                for body in queue:
                    response = await client.post("/chat/completions", json=body)
                    json.loads(response.json()["choices"][0]["message"]["content"])

            started = time.perf_counter()
            await asyncio.gather(*(work() for _ in range(judge.concurrency)))
            return time.perf_counter() - started

    return len(bodies) / asyncio.run(run())


def measure_judge(judge: JudgeSpec, chains: list[Case]) -> float:
    """Chains per second of the whole judge: prompts, fence, ladder, limits, ledger, cache, reduction."""
    started = time.perf_counter()
    judged = judge_chains(chains, PanelSpec(judges=(judge,)))
    seconds = time.perf_counter() - started
    if not all(result.scored == 1 for result in judged.results):
        raise SystemExit("not every chain was scored; the figures would not compare")
    return len(chains) / seconds


@contextmanager
def mock_judge(latency: float) -> Iterator[str]:
    """The address of a mock judge in a process of its own."""
    command = [sys.executable, "-m", "mgrd", "serve-mock-judge", "--port", "0", "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[-1]
        finally:
            server.terminate()


if __name__ == "__main__":
    sys.exit(main())
