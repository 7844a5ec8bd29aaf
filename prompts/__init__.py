"""Versioned prompt templates and their loader.

A template is a Jinja file with a short front matter (`id`, `version`, `variables`). Its sha covers
the whole file, so a row that stores the sha says exactly what was asked.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

from mgrd.errors import ConfigError
from mgrd.ids import KEY_DIGITS, sha256_bytes

FOLDER = Path(__file__).parent
_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=False, autoescape=False)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt template: rendered in one pass, so values are never templates themselves."""

    id: str
    version: int
    variables: tuple[str, ...]
    body: str
    sha: str

    def render(self, **values: object) -> str:
        """The prompt's text. Raises ConfigError naming missing or unknown variables."""
        missing = set(self.variables) - values.keys()
        unknown = values.keys() - set(self.variables)
        if missing or unknown:
            raise ConfigError(f"prompt {self.id}: missing {sorted(missing)}, unknown {sorted(unknown)}")
        return _compiled(self.body).render(**values)


@cache
def _compiled(body: str) -> Template:
    return _ENVIRONMENT.from_string(body)


@cache
def load_prompt(prompt_id: str) -> Prompt:
    """The template `prompts/<prompt_id>.jinja`. Raises ConfigError when it is missing or malformed."""
    path = (FOLDER / f"{prompt_id}.jinja").resolve()
    if not path.is_relative_to(FOLDER.resolve()) or not path.is_file():
        known = sorted(p.relative_to(FOLDER).with_suffix("").as_posix() for p in FOLDER.rglob("*.jinja"))
        raise ConfigError(f"no prompt {prompt_id!r}; there are {known}")
    text = path.read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2) if text.startswith("---\n") else ("", "", text)
    fields = dict(line.split(":", 1) for line in front.splitlines() if ":" in line)
    try:
        return Prompt(
            id=prompt_id,
            version=int(fields["version"]),
            variables=tuple(name.strip() for name in fields["variables"].split(",") if name.strip()),
            body=body.strip("\n"),
            sha=sha256_bytes(text.encode())[:KEY_DIGITS],
        )
    except (KeyError, ValueError) as error:
        raise ConfigError(f"{path.name}: front matter needs `version` and `variables`: {error}") from error
