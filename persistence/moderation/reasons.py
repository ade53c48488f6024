"""Why somebody reports something, and how much that weighs."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ReportReason(StrEnum):
    SPAM = "spam"
    HARASSMENT = "harassment"
    HATE = "hate"
    SEXUAL = "sexual"
    CHILD_SAFETY = "child_safety"
    VIOLENCE = "violence"
    SELF_HARM = "self_harm"
    SCAM = "scam"
    OTHER = "other"


FIRST_OF_ALL: Final = 1_000_000
"""What child safety adds: above whatever reporters and severity come to otherwise."""
SEVERITY: Final = MappingProxyType(
    {
        ReportReason.SPAM: 1,
        ReportReason.OTHER: 1,
        ReportReason.HARASSMENT: 2,
        ReportReason.SCAM: 3,
        ReportReason.SEXUAL: 3,
        ReportReason.HATE: 3,
        ReportReason.SELF_HARM: 4,
        ReportReason.VIOLENCE: 4,
        ReportReason.CHILD_SAFETY: 5,
    }
)


def score(reporters: int, reasons: list[str]) -> int:
    """Reporters × the severity of the worst reason among theirs."""
    known = [ReportReason(reason) for reason in reasons if reason in ReportReason.__members__.values()]
    worst = max((SEVERITY[reason] for reason in known), default=0)
    return reporters * worst + (FIRST_OF_ALL if ReportReason.CHILD_SAFETY in known else 0)
