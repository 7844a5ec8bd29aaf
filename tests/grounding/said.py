"""What a text claims, as short phrases."""

from mgrd.grounding.claims import extract_claims


def said(text: str) -> list[str]:
    """`attribute word` of each claim in order, denied ones with `not` before them."""
    return [claim.said for claim in extract_claims(text)]
