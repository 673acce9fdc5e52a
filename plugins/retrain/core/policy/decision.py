"""From verdicts to one decision: PROMOTE, HOLD or REJECT, and never PROMOTE by default."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from retrain.core.digest import digest_json
from retrain.core.ledger.entries import Pointer
from retrain.core.policy.error_control import Allotment, PastTest
from retrain.core.policy.gates import Outcome, Verdict

__all__ = ["Challenger", "Choice", "Decision", "decide", "why_barred"]


class Choice(StrEnum):
    """What becomes of a challenger."""

    PROMOTE = "PROMOTE"
    HOLD = "HOLD"
    REJECT = "REJECT"


@dataclass(frozen=True)
class Challenger:
    """The model version that a retrain made."""

    key: str
    version: int
    run_id: str
    model_id: str
    manifest_digest: str


@dataclass(frozen=True)
class Decision:
    """What was decided on one retrain, and why.

    Attributes:
        request_id: The attempt that it ends.
        metric: The primary metric's name; `challenger_value` and `opponent_value` are in its units.
        failed_step: The step that failed, where the retrain never came to its gates.
        holdout: The first instant of the evaluation window, and the one after its last.
        consulted: How many times earlier decisions on the model, of whatever timeline, had looked at the window: each counts
            by the part of it that it shared.
        allotment: The error that the test against the champion was given; None where nothing was spent.
    """

    request_id: str
    model: str
    timeline: str
    as_of: datetime
    choice: Choice
    reason: str
    origin: str
    verdicts: tuple[Verdict, ...] = ()
    challenger: Challenger | None = None
    champion_version: int | None = None
    champion_generation: int = 0
    opponent: str | None = None
    metric: str = ""
    challenger_value: float | None = None
    opponent_value: float | None = None
    train_rows: int | None = None
    holdout_rows: int | None = None
    snapshot: str = ""
    scorecard: str = ""
    failed_step: str = ""
    holdout: tuple[datetime, datetime] | None = None
    consulted: float = 0.0
    allotment: Allotment | None = None
    at: datetime | None = None

    def __post_init__(self) -> None:
        if self.choice is Choice.PROMOTE and (
            self.challenger is None or not self.verdicts or any(v.outcome is not Outcome.PASS for v in self.verdicts)
        ):
            raise ValueError("PROMOTE needs a challenger and nothing but passing verdicts")

    @property
    def id(self) -> str:
        """The identity of the decision: the same evidence against the same champion is the same decision.

        Under error control so is the same test only: another policy is another chance for luck, and must not go unrecorded.
        """
        key = self.challenger.key if self.challenger else self.reason
        test = self.allotment.test if self.allotment else ""
        return digest_json([self.request_id, key, self.champion_generation, self.choice.value, self.failed_step, test])

    @property
    def digest(self) -> str:
        """The sha256 of the whole decision, which the ledger entry that rests on it holds."""
        return digest_json(self.to_json())

    @property
    def gain(self) -> Verdict | None:
        """The first verdict on the gain over the opponent that has an interval."""
        of_gain = (verdict for verdict in self.verdicts if verdict.gate.startswith("beats_champion("))
        return next((verdict for verdict in of_gain if verdict.interval and verdict.value is not None), None)

    @property
    def past_test(self) -> PastTest | None:
        """What later tests of its sequence must know of it; None where it took no place in one."""
        given = self.allotment
        if given is None or given.place is None:
            return None
        return PastTest(given.test, given.place, self.as_of, given.level, self.choice is Choice.PROMOTE)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON; a number that is not finite becomes null."""
        return asdict(self) | {
            "as_of": self.as_of.isoformat(),
            "at": self.at.isoformat() if self.at else None,
            "choice": self.choice.value,
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "challenger_value": _finite(self.challenger_value),
            "opponent_value": _finite(self.opponent_value),
            "holdout": [instant.isoformat() for instant in self.holdout] if self.holdout else None,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Decision:
        """Read what `to_json` wrote."""
        challenger, at = document["challenger"], document["at"]
        holdout, allotment = document["holdout"], document["allotment"]
        return cls(
            **document
            | {
                "as_of": datetime.fromisoformat(document["as_of"]),
                "at": datetime.fromisoformat(at) if at else None,
                "choice": Choice(document["choice"]),
                "verdicts": tuple(Verdict.from_json(item) for item in document["verdicts"]),
                "challenger": Challenger(**challenger) if challenger else None,
                "holdout": tuple(datetime.fromisoformat(instant) for instant in holdout) if holdout else None,
                "allotment": Allotment(**allotment) if allotment else None,
            }
        )


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def decide(
    verdicts: Sequence[Verdict], as_of: datetime, champion: Pointer | None, *, bar: str = ""
) -> tuple[Choice, str]:
    """Return the choice and its reason: any failing verdict rejects, any doubt holds, only unanimity promotes.

    `bar` says why no promotion may happen at all, such as a freeze.
    """
    barred = why_barred(as_of, champion, bar=bar)
    if barred:
        return Choice.HOLD, barred
    if not verdicts:
        return Choice.HOLD, "no gate gave a verdict"
    for outcome, choice in ((Outcome.FAIL, Choice.REJECT), (Outcome.INCONCLUSIVE, Choice.HOLD)):
        found = [verdict for verdict in verdicts if verdict.outcome is outcome]
        if found:
            return choice, "; ".join(f"{verdict.gate}: {verdict.reason}" for verdict in found)
    return Choice.PROMOTE, "; ".join(verdict.reason for verdict in verdicts)


def why_barred(as_of: datetime, champion: Pointer | None, *, bar: str = "") -> str:
    """Return why no verdict could promote a challenger as of `as_of`; empty where nothing bars it."""
    if not bar and champion is not None and as_of <= champion.as_of:
        return f"superseded: the champion (version {champion.version}) is as of {champion.as_of:%Y-%m-%d %H:%M}, not before this"
    return bar
