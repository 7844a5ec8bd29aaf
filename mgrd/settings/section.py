"""What all sections of the settings share: unknown keys are refused, values never change, servers are named alike."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


ServerAddress = Annotated[
    str,
    Field(
        pattern=r"^https?://[^/@\s?#]+(/[^?#\s]*)?$",
        description="address of the server, such as http://localhost:8000/v1",
    ),
]
"""Without a user, a password or a query: a key has no place in it."""
KeyVariable = Annotated[
    str | None,
    Field(pattern=r"^[A-Z][A-Z0-9_]*$", description="NAME of the variable that holds the key; none: no key"),
]
