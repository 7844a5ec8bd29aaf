"""A made campaign of four rounds: every table that a report reads, and sounds to go with it."""

import json
from dataclasses import replace

import numpy as np
import polars as pl

from mgrd.audio.wav import pcm16, wav_bytes
from mgrd.ids import content_key
from mgrd.report.inputs import ReportInputs
from schemas import TABLES

RATE = 16_000
ROUNDS = 4
HOSTILE = "<script>alert('x')</script> the pitch rises \u202e& falls"
SKILLS = {
    "contour": ("How does the pitch move?", ("rising", "falling", "flat"), "semitones"),
    "tempo": ("How fast is the pulse?", ("slow", "moderate", "fast"), "BPM"),
    "timbre": ("How is the timbre?", ("dark", "bright"), "Hz"),
    "event_count": ("How many sounds are there?", ("two", "three", "four", "five"), "count"),
}
CURVES = {
    "accuracy": (0.82, 0.84, 0.86, 0.86),
    "accuracy_sampled": (0.56, 0.73, 0.79, 0.81),
    "grounded": (0.10, 0.40, 0.46, 0.53),
    "truth_grounded": (0.08, 0.34, 0.40, 0.45),
    "claim_precision": (0.45, 0.60, 0.63, 0.68),
    "truth_claim_precision": (0.42, 0.55, 0.58, 0.61),
    "surrogate": (0.16, 0.05, 0.03, 0.04),
    "mean_reasoning_tokens": (10.8, 17.9, 18.1, 18.0),
}
CHAIN = "I hear {claim}, and the tempo is {speed}. The transcript says hello there. It may be a cello, so {answer}."


def frame(table: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(pl.DataFrame(TABLES[table].arrow.empty_table()).schema))


def sound(uri: str) -> bytes:
    """A gliding harmonic tone in pulses over a little noise, seeded by its name; 3 s, mono."""
    generator = np.random.default_rng(int(content_key(uri), 16) % 2**32)
    times = np.arange(3 * RATE) / RATE
    pitch = generator.uniform(120, 500) * 2 ** (generator.uniform(-1, 1) * times / 3)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(k * phase) / k**1.3 for k in range(1, 12) if k * 500 < RATE / 2)
    pulses = 0.5 + 0.5 * np.tanh(6 * np.sin(2 * np.pi * generator.uniform(0.7, 2.5) * times))
    samples = 0.2 * tone * pulses + 0.004 * generator.normal(size=len(times))
    return wav_bytes(pcm16(samples), RATE)


def metrics() -> pl.DataFrame:
    rows: list[dict[str, object]] = []
    for split, shift in (("test", 0.0), ("dev", 0.01)):
        for name, values in CURVES.items():
            width = 0.6 if name == "mean_reasoning_tokens" else 0.035
            for round_, value in enumerate(values):
                shifted = value + shift
                figure = {"value": shifted, "low": shifted - width, "high": shifted + width, "n": 1200}
                rows.append({"round": round_, "split": split, "name": name, **figure})
    return frame("metrics", rows)


def ledger_row(round_: int, stage: str, seconds: float, counts: dict[str, object], hour: int = 8) -> dict[str, object]:
    return {
        "entry_id": content_key(round_, stage, hour),
        "round": round_,
        "stage": stage,
        "fingerprint": "f",
        "inputs": "{}",
        "outputs": "{}",
        "rows_in": 1,
        "rows_out": 1,
        "counts": json.dumps(counts),
        "seconds": seconds,
        "tokens": 0,
        "cost": 0.0,
        "finished_at": f"2030-01-02T{hour + round_:02d}:10:00+00:00",
    }


def select_counts(round_: int) -> dict[str, object]:
    kept = (0, 480, 690, 810)[round_]
    return {
        "sampled": 4800,
        "correct": (0, 2700, 3500, 3800)[round_],
        "grounded": (0, 560, 1900, 2300)[round_],
        "kept": kept,
        "rejected": 4800 - kept - 12,
        "unscored": 4,
        "quarantined": 8,
        "reasons": {
            "contradicted": 2900 - 400 * round_,
            "wrong_answer": 2100 - 500 * round_,
            "surrogate": 900 // round_,
        },
    }


def ledger() -> pl.DataFrame:
    rows = [ledger_row(0, "cold_start", 214.2, {}), ledger_row(0, "evaluate", 21.5, {})]
    for round_ in range(1, ROUNDS):
        rows += [
            ledger_row(round_, "sample", 61.0 + round_, {}),
            ledger_row(round_, "select", 0.4, select_counts(round_)),
            ledger_row(round_, "train", 44.1, {}),
            ledger_row(round_, "evaluate", 20.9, {}),
        ]
    return frame("ledger", rows)


def clips(count: int = 16) -> pl.DataFrame:
    return frame(
        "clips",
        [
            {
                "clip_id": content_key("clip", i),
                "sha256": content_key("clip", i) * 4,
                "uri": f"audio/{i}.wav",
                "duration": 3.0,
                "sample_rate": RATE,
                "channels": 1,
                "domain": "synthetic" if i % 3 else "music",
                "source": f"patch {i}",
                "collection": "made",
                "licence": "CC0-1.0" if i % 3 else "GPL-2.0 soundfont, rendered",
                "provenance": "numpy glides" if i % 3 else "TimGM6mb, rendered",
                "split": "test",
            }
            for i in range(count)
        ],
    )


def questions(count: int = 16) -> pl.DataFrame:
    rows: list[dict[str, object]] = []
    for i in range(count):
        skill = list(SKILLS)[i % len(SKILLS)]
        text, choices, _ = SKILLS[skill]
        keys = {"question_id": content_key("question", i), "clip_id": content_key("clip", i)}
        facts = {"text": text, "choices": list(choices), "answer": choices[i % 2], "skill": skill}
        rows.append({**keys, **facts, "split": "test", "origin": "embedded", "collection": "made"})
    return frame("questions", rows)


def chain(i: int) -> str:
    claim = ("the pitch rises", "a bright tone", "a steady pulse", "three separate notes")[i % 4]
    return CHAIN.format(claim=claim, speed="about 120 BPM", answer="that is my answer")


def traces(count: int = 16) -> pl.DataFrame:
    rows: list[dict[str, object]] = []
    for round_ in range(ROUNDS):
        for i in range(count):
            choices = SKILLS[list(SKILLS)[i % len(SKILLS)]][1]
            given = choices[i // 4 % 2]
            reasoning = None if i == 5 else chain(i)
            rows.append(
                {
                    "trace_id": content_key("trace", round_, i),
                    "round": round_,
                    "purpose": "evaluate",
                    "split": "test",
                    "question_id": content_key("question", i),
                    "clip_id": content_key("clip", i),
                    "sample_index": i % 5 - 1,
                    "prompt_id": "sample/perceive",
                    "prompt_sha": "77aa01d2c9e4b3f0",
                    "raw_text": f"<think>{reasoning}</think>\n\n{given}",
                    "reasoning": reasoning,
                    "answer": given,
                    "choice": given,
                    "correct": given == choices[i % 2],
                    "problems": [],
                    "finish_reason": "stop",
                    "prompt_tokens": 100,
                    "completion_tokens": 30,
                    "reasoning_tokens": 24,
                    "audio_tokens": 75,
                    "logprob": -9.5,
                    "engine": "transformers",
                    "model_id": content_key("model", round_),
                    "temperature": 1.0,
                    "top_p": 1.0,
                    "max_new_tokens": 64,
                    "seed": i,
                }
            )
    return frame("traces", rows)


def claim_row(trace: dict[str, object], text: str, verdict: str, **fields: object) -> dict[str, object]:
    start = str(trace["reasoning"]).index(text)
    return {
        "claim_id": content_key(trace["trace_id"], text),
        "trace_id": trace["trace_id"],
        "round": trace["round"],
        "purpose": "evaluate",
        "start": start,
        "end": start + len(text),
        "text": text,
        "relation": "is",
        "negated": False,
        "weight": 1.0,
        "extractor": "grammar",
        "verdict": verdict,
        **fields,
    }


def claims() -> pl.DataFrame:
    rows = []
    heard = {
        "the pitch rises": {"attribute": "contour", "claimed": "rising", "measured": 4.2, "tolerance": 0.5},
        "a bright tone": {"attribute": "timbre", "claimed": "bright", "measured": 2310.0},
        "a steady pulse": {"attribute": "regularity", "claimed": "regular", "measured": 0.94},
        "three separate notes": {"attribute": "event_count", "claimed": "three", "value": 3.0, "measured": 3.0},
    }
    for trace in traces().filter(pl.col("reasoning").is_not_null()).iter_rows(named=True):
        text = next(text for text in heard if text in trace["reasoning"])
        rows.append(
            claim_row(
                trace, text, "supported", reliability=0.93, truth_verdict="supported",
                time_start=0.4, time_end=2.1, **heard[text],
            )
        )  # fmt: skip
        verdict = "contradicted" if trace["seed"] % 2 else "supported"
        tempo = {"attribute": "tempo", "claimed": "about 120", "value": 120.0, "unit": "BPM", "tolerance": 6.0}
        measured = 78.0 if verdict == "contradicted" else 118.6
        fields = {**tempo, "measured": measured, "reliability": 0.88, "truth_verdict": verdict}
        rows.append(claim_row(trace, "tempo is about 120 BPM", verdict, **fields))
        rows.append(claim_row(trace, "a cello", "unverifiable", attribute="label", claimed="cello", weight=0.5))
    return frame("claims", rows)


def decisions() -> pl.DataFrame:
    rows: list[dict[str, object]] = []
    for trace in traces().iter_rows(named=True):
        i = trace["seed"]
        decision = ("kept", "rejected", "rejected", "unscored" if i == 11 else "kept")[i % 4]
        reasons = {"kept": [], "rejected": ["contradicted", "wrong_answer"][: 1 + i % 2], "unscored": ["no_evidence"]}
        rows.append(
            {
                "trace_id": trace["trace_id"],
                "round": trace["round"],
                "purpose": "evaluate",
                "question_id": trace["question_id"],
                "decision": decision,
                "reasons": reasons[decision],
                "correct": trace["correct"],
                "grounded": decision == "kept",
                "surrogate": i % 3 == 0,
                "supported": 1,
                "contradicted": i % 2,
                "unverifiable": 1,
                "surrogate_share": 0.24 if i % 3 == 0 else 0.0,
                "warnings": [],
                "checks": [],
                "decided_by": "checks",
                "score": 0.5,
                "policy_sha": "p",
            }
        )
    return frame("decisions", rows)


def models() -> pl.DataFrame:
    return frame(
        "models",
        [
            {
                "model_id": content_key("model", round_),
                "parent_id": content_key("model", round_ - 1) if round_ else None,
                "round": round_,
                "stage": "sft" if round_ else "cold_start",
                "uri": f"models/{round_}",
                "template_sha": "3b1c9e0ff2d54a17",
                "arm": "filtered",
                "promoted": round_ != 2,
                "metrics": "{}",
            }
            for round_ in range(ROUNDS)
        ],
    )


def surrogate_spans(reasoning: str) -> list[tuple[int, int]]:
    text = "The transcript says hello there."
    start = reasoning.find(text)
    return [(start, start + len(text))] if start >= 0 else []


def campaign() -> ReportInputs:
    return ReportInputs(
        metrics=metrics(),
        ledger=ledger(),
        traces=traces(),
        claims=claims(),
        decisions=decisions(),
        clips=clips(),
        questions=questions(),
        models=models(),
        settings={"spec": {"seed": 0, "sampling": {"samples": 8, "temperature": 1.0}}, "runtime": {"device": "cpu"}},
        load_audio=sound,
        surrogate_spans=surrogate_spans,
    )


def empty_campaign() -> ReportInputs:
    full = campaign()
    names = ("metrics", "ledger", "traces", "claims", "decisions", "clips", "questions", "models")
    return replace(full, **{name: getattr(full, name).clear() for name in names})


def with_chain(inputs: ReportInputs, text: str) -> ReportInputs:
    """The same campaign, but every chain, answer, clip label and licence is the given text."""
    every = pl.lit(text)
    claims_of_text = inputs.claims.with_columns(start=pl.lit(0, pl.Int64), end=pl.lit(9, pl.Int64), text=every)
    return replace(
        inputs,
        traces=inputs.traces.with_columns(reasoning=every, answer=every, raw_text=every),
        claims=claims_of_text.with_columns(claimed=every, attribute=every),
        decisions=inputs.decisions.with_columns(reasons=pl.concat_list(every)),
        clips=inputs.clips.with_columns(label=every, licence=every, source=every, provenance=every),
        questions=inputs.questions.with_columns(text=every, skill=every, answer=every),
    )
