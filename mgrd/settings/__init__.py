"""All settings: one TOML file, checked by pydantic, unknown keys refused.

`spec` defines the data and enters stage fingerprints; `runtime` says how the work runs and never
does. Environment variables `MGRD_SPEC__SAMPLING__SAMPLES=4` override the file. Secrets come from the
environment at the place of use and are never part of the settings.
"""

from mgrd.settings.loading import SETTINGS_FILE, Settings, load_settings, parse_settings, require_workspace
from mgrd.settings.policy import ClaimsSpec, GroundingSpec, JudgeSpec, PanelSpec, PolicySpec, ReasonsSpec
from mgrd.settings.spec import (
    ColdStartSpec,
    EmbeddedSpec,
    EvaluationSpec,
    GateSpec,
    IngestSpec,
    ModelSpec,
    SamplingSpec,
    SelectionSpec,
    Spec,
)

__all__ = [
    "SETTINGS_FILE",
    "ClaimsSpec",
    "ColdStartSpec",
    "EmbeddedSpec",
    "EvaluationSpec",
    "GateSpec",
    "GroundingSpec",
    "IngestSpec",
    "JudgeSpec",
    "ModelSpec",
    "PanelSpec",
    "PolicySpec",
    "ReasonsSpec",
    "SamplingSpec",
    "SelectionSpec",
    "Settings",
    "Spec",
    "load_settings",
    "parse_settings",
    "require_workspace",
]
