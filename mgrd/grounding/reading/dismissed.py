"""What a chain rules out: options that do not fit, and what such sounds are like in general, beside the clip.

"A constant pitch: no, it changes", "a fade-in isn't what's going on", "so a whisper is excluded", "a steady tone has no
motion, but this one has": the noun phrase of what is dismissed claims nothing; the reason behind it does.
"""

import re

Spans = list[tuple[int, int]]

_HINT = re.compile(
    r"n['’]t\b|\bnot\b|: ?no|\b(?:exclude[sd]?|excluding|rul(?:ed|es?|ing) out|out|cannot|unlikely|wrong|"
    r"eliminat\w+|could it|might it|contradicts|incompatible|inconsistent|impossible|implausible)\b|"
    r", (?:but|whereas|while|yet)\b",
    re.IGNORECASE,
)
"""Without one of these nothing is dismissed."""
_THING = r"(?:(?!(?:that|which|who|is|are|was|has|and then)\b)[\w'’/-]+ ){0,5}?[\w'’/-]+"
_UNTRUE = (
    r"(?:it\b|what|right|compatible|possible|plausible|the case|consistent|correct|an option|going|supported|borne)"
)
_EXCLUDED = (
    r"(?:excluded|ruled out|out of the question|out\b(?! of)|impossible|implausible|unlikely|off the table|"
    r"incompatible|inconsistent|wrong|eliminated)"
)
_HERE = (
    r"(?:this|here|the clip|the recording|in (?:this|the) (?:clip|recording)|it\b|what|i\b|"
    r"the (?:sound|tone|pitch|voice|one))"
)
_UNFIT = (
    rf"(?:is(?: not|n['’]t) {_UNTRUE}|is (?:therefore |thus |clearly |also |then |hence )?{_EXCLUDED}|"
    r"can(?:not|['’]t| not) (?:be (?:right|it|true|correct|the (?:answer|case))|fit|explain|account)|"
    r"(?:does(?: not|n['’]t)|won['’]t) (?:fit|match|explain|describe|apply|work|square|agree|account|hold up|go with)|"
    r"falls? (?:out|away) as an option|contradicts)"
)
_DISMISSED = re.compile(
    rf"\b(?:an?|any|the idea of an?|the option of an?) {_THING} {_UNFIT}|"
    r"\b(?:rules? out|excludes?|eliminates?|ruling out|excluding|incompatible with|inconsistent with|no sign of) "
    rf"(?:an?|any|the) {_THING}(?=[.,;:!?)]|$)",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:^|(?<=[.!?;\n] ))(?:(?:\(?\d+[.)]|[-*•]|\(?[A-D][.):])\s*)?"
    r"(?:an? |the )?(?P<label>[\w'’/-]+(?: [\w'’/-]+){0,5}): ?"
    r"(?:no\b|nope\b|not\b|doesn['’]t|does not|wrong\b|excluded\b|ruled out|impossible\b|unlikely\b|out\b(?! of)|"
    r"can['’]t|cannot)",
    re.IGNORECASE | re.MULTILINE,
)
"""An option as the heading of why it is none."""
_CONTRAST = re.compile(
    rf"\b(?:an?|any) {_THING} (?:has|have|needs?|requires?|contains?|involves?|implies|means|shows?|comes with|goes|"
    r"leaves|is|sounds?|keeps|stays|moves|lasts) "
    r"(?!(?:audible|present|there|heard|noticeable|detectable|perceptible|discernible|quite|really|very|as|so|too|all)\b)"
    rf"[^,;.:!?\n]{{1,60}}(?=, (?:but|whereas|while|yet) {_HERE})",
    re.IGNORECASE,
)
"""What a kind of sound is like, against this one."""
_ASKED = re.compile(
    r"\b(?:could|might|can) (?:it|this|that) (?:be|have been) (?P<thing>[^?.!\n]{1,60})\?\s+"
    r"(?P<general>(?!(?:no|yes|it|this|that|the|there|here|i|but|not)\b)[^.!?\n]{1,80}?)"
    r"(?=,? (?:and|but|while|whereas|yet) (?:the|this|here|it|i)\b|[.!?\n]|$)",
    re.IGNORECASE,
)
"""A guess as a question, and after it what such a thing is like."""


def dismissed(text: str) -> Spans:
    """Character spans of a text that name what is ruled out."""
    if not _HINT.search(text):
        return []
    found = [match.span() for match in _DISMISSED.finditer(text)]
    found += [match.span("label") for match in _LABEL.finditer(text)]
    found += [match.span() for match in _CONTRAST.finditer(text)]
    found += [match.span("general") for match in _ASKED.finditer(text)]
    return found
