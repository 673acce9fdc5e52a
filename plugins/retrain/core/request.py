"""One asked-for retrain: which pipeline, as of when, onto which timeline, by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from retrain.core.digest import digest_json
from retrain.core.ledger.origin import Origin
from retrain.core.names import PRODUCTION
from retrain.core.spec import PipelineSpec

__all__ = ["RetrainRequest", "default_timeline"]


@dataclass(frozen=True)
class RetrainRequest:
    """One attempt for (pipeline, as-of).

    Attributes:
        origin: The run that requests it; the same for each of its retries.
        nonce: Any text that makes the key a fresh one; empty for the key that the inputs give.
    """

    model: str
    timeline: str
    as_of: datetime
    origin: Origin
    actor: str = ""
    reason: str = ""
    nonce: str = ""

    @property
    def id(self) -> str:
        """The identity of the attempt: what asked, for which model, timeline and as-of."""
        return digest_json([self.model, self.timeline, self.as_of.isoformat(), str(self.origin), self.nonce])


def default_timeline(spec: PipelineSpec, *, backfill: bool) -> str:
    """Return the timeline of a run that names none: production, but for a backfill a simulation of this very spec.

    A changed policy so meets champions of its own, and the same backfill asked again resumes the one before.
    """
    return f"simulation-{spec.digest[:12]}" if backfill else PRODUCTION
