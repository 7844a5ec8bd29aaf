"""The names of arms and studies, which settings, flows and the command line share. Light: `mgrd --help` imports it."""

from typing import Literal

Arm = Literal["filtered", "correct-only", "unfiltered"]
"""Which chains a campaign keeps: what the policy keeps, or a control."""
Study = Literal["format-reward", "data-selection", "grounding-term"]
"""The ablations that `mgrd ablate` runs; `flows.ablate.STUDIES` has their arms."""
