"""The LLM judge: a rubric, a fenced prompt, any OpenAI-compatible server, and verdicts that are never lost."""

from mgrd.judging.judge import judge_identity, judge_traces, standing, verdict_keys

__all__ = ["judge_identity", "judge_traces", "standing", "verdict_keys"]
