"""From verdicts to one decision: PROMOTE, HOLD or REJECT, and never PROMOTE by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from retrain.core.codec import JsonDataclass, finite_or_none
from retrain.core.digest import digest_json
from retrain.core.ledger.block_reason import BlockKind, BlockReason, find_superseding
from retrain.core.ledger.entries import Action, Move, Pointer, join_choice
from retrain.core.ledger.origin import Origin
from retrain.core.policy.error_control import Allotment, PastTest
from retrain.core.policy.gates import Outcome, Verdict

__all__ = ["Challenger", "Choice", "Decision", "Ruling", "decide", "find_block", "propose_record"]

_DECISIVE: Final = {"PROMOTE": Outcome.PASS, "HOLD": Outcome.INCONCLUSIVE, "REJECT": Outcome.FAIL}

_JUDGE_GAIN: Final = ("fresh", "strict", "beats_champion")

_FORM_WITH_TYPED_ORIGIN: Final = 3
_FORM_WITH_VALIDATION: Final = 4


class Choice(StrEnum):
    """What a decision does with a challenger."""

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
class Ruling:
    """The choice that the verdicts lead to, before it is recorded.

    Attributes:
        reason: The text that a person reads: the reasons of the deciding verdicts, or the block reason.
        decided_by: Indices of the verdicts that decided; empty if the promotion was blocked.
        blocked_by: Why no verdict could promote.
    """

    choice: Choice
    reason: str
    decided_by: tuple[int, ...] = ()
    blocked_by: BlockReason | None = None


@dataclass(frozen=True)
class Decision(JsonDataclass):
    """The decision on one retrain, and its reason.

    Attributes:
        request_id: The retrain request that the decision ends.
        metric: The primary metric's name; `challenger_value` and `opponent_value` are in its units.
        failed_step: The step that failed; empty if the retrain reached its gates.
        holdout: The first instant of the evaluation window, and the one after its last.
        consulted: How many times earlier decisions on the model, on any timeline, used the window: each counts by the share
            of the window that it used.
        allotment: The error that was allotted to the test against the champion; None if none was spent.
        decided_by: Indices into `verdicts` of those that decided; empty if a step failed or the promotion was blocked.
        blocked_by: Why no verdict could promote the challenger.
        validation: The digest of the record that the data met its expectations; empty if the retrain failed before its gates.
        form: How it is stored: 4 with the validation, 3 with the fields of the origin, 2 with the text of the origin, 1
            without typed facts. A stored document keeps its form, and therefore its digest.
    """

    request_id: str
    model: str
    timeline: str
    as_of: datetime
    choice: Choice
    reason: str
    origin: Origin
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
    decided_by: tuple[int, ...] = ()
    blocked_by: BlockReason | None = None
    validation: str = ""
    form: int = 4

    def __post_init__(self) -> None:
        if self.choice is Choice.PROMOTE and (
            self.challenger is None or not self.verdicts or any(v.outcome is not Outcome.PASS for v in self.verdicts)
        ):
            raise ValueError("PROMOTE needs a challenger and nothing but passing verdicts")

    @property
    def id(self) -> str:
        """The identity of the decision: the same evidence against the same champion is the same decision.

        Under error control the test is part of the identity: another policy is another test, and must be recorded.
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
        """The verdict on the gain over the opponent, with an interval, of the primary metric first."""
        of_gain = [
            verdict
            for verdict in self.verdicts
            if verdict.check in _JUDGE_GAIN and verdict.interval and finite_or_none(verdict.value) is not None
        ]
        return min(of_gain, key=lambda verdict: verdict.metric != self.metric, default=None)

    @property
    def deciding(self) -> tuple[Verdict, ...]:
        """The verdicts that decided."""
        return tuple(self.verdicts[index] for index in self.decided_by)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons as a tuple: one per deciding verdict; the whole reason if no verdict decided."""
        if not self.decided_by:
            return (self.reason,)
        promoted = self.choice is Choice.PROMOTE
        return tuple(verdict.reason if promoted else f"{verdict.name}: {verdict.reason}" for verdict in self.deciding)

    @property
    def past_test(self) -> PastTest | None:
        """The past test that later tests of its sequence need; None if it took no place in a sequence."""
        given = self.allotment
        if given is None or given.place is None:
            return None
        return PastTest(given.test, given.place, self.as_of, given.level, self.choice is Choice.PROMOTE)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON in the form that the decision was stored in."""
        document = super().to_json()
        if self.form < _FORM_WITH_VALIDATION:
            del document["validation"]
        if self.form < _FORM_WITH_TYPED_ORIGIN:
            document["origin"] = str(self.origin)
        if self.form == 1:
            document["verdicts"] = [verdict.to_first_form() for verdict in self.verdicts]
            for name in ("decided_by", "blocked_by", "form"):
                del document[name]
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote, in any form."""
        fields = dict(document)
        if isinstance(fields["origin"], str):
            fields["origin"] = Origin.parse(fields["origin"]).to_json()
        if "form" not in fields:
            verdicts = tuple(Verdict.from_json(item) for item in fields["verdicts"])
            fields |= _read_first_form(fields, verdicts)
        return super().from_json(fields)


def propose_record(decision: Decision, *, actor: str, reason: str) -> Move:
    """Return the ledger's move that records a decision; it moves no pointer.

    Args:
        actor: Who requested the retrain.
        reason: Why it was requested.
    """
    challenger = decision.challenger
    return Move(
        action=Action.DECIDE,
        model=decision.model,
        timeline=decision.timeline,
        version=challenger.version if challenger else 0,
        manifest_digest=challenger.manifest_digest if challenger else "",
        as_of=decision.as_of,
        key=challenger.key if challenger else "",
        expected_generation=decision.champion_generation,
        idempotency_key=digest_json([Action.DECIDE.value, decision.id]),
        decision_id=decision.id,
        decision_digest=decision.digest,
        actor=actor,
        reason=join_choice(decision.choice.value, reason),
    )


def decide(
    verdicts: Sequence[Verdict], as_of: datetime, champion: Pointer | None, *, block: BlockReason | None = None
) -> Ruling:
    """Return the choice and its reason: a failing verdict rejects, an inconclusive one holds, and PROMOTE needs all to pass.

    `block` says why no promotion may happen at all, such as a freeze.
    """
    blocked_by = find_block(as_of, champion, block=block)
    if blocked_by is None and not verdicts:
        blocked_by = BlockReason(BlockKind.NO_VERDICT)
    if blocked_by is not None:
        return Ruling(Choice.HOLD, str(blocked_by), blocked_by=blocked_by)
    for choice in (Choice.REJECT, Choice.HOLD):
        found = _find_decisive(verdicts, choice)
        if found:
            reason = _join_reasons([f"{verdicts[index].name}: {verdicts[index].reason}" for index in found])
            return Ruling(choice, reason, found)
    reason = _join_reasons([verdict.reason for verdict in verdicts])
    return Ruling(Choice.PROMOTE, reason, tuple(range(len(verdicts))))


def _join_reasons(reasons: Sequence[str]) -> str:
    """Return one text; each of several reasons ends as a sentence, because a reason may hold a semicolon itself."""
    if len(reasons) == 1:
        return reasons[0]
    return " ".join(reason if reason.endswith(".") else f"{reason}." for reason in reasons)


def find_block(as_of: datetime, champion: Pointer | None, *, block: BlockReason | None = None) -> BlockReason | None:
    """Return why no verdict could promote a challenger as of `as_of`; None when nothing blocks it."""
    return block or find_superseding(as_of, champion)


def _find_decisive(verdicts: Sequence[Verdict], choice: Choice) -> tuple[int, ...]:
    return tuple(index for index, verdict in enumerate(verdicts) if verdict.outcome is _DECISIVE[choice])


def _read_first_form(document: dict[str, Any], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the fields that documents of version 0.1 lack, derived from the reason that `decide` wrote at the time."""
    choice, reason = Choice(document["choice"]), document["reason"]
    found = () if document["failed_step"] else _find_decisive(verdicts, choice)
    stored_reason = "; ".join(f"{verdicts[index].name}: {verdicts[index].reason}" for index in found)
    if document["failed_step"] or choice is Choice.PROMOTE or stored_reason == reason:
        return {"decided_by": found, "blocked_by": None, "form": 1}
    openings = {
        "frozen by ": BlockKind.FROZEN,
        "its key is in quarantine ": BlockKind.QUARANTINED,
        "superseded: ": BlockKind.SUPERSEDED,
    }
    kind = next((kind for opening, kind in openings.items() if reason.startswith(opening)), BlockKind.NO_VERDICT)
    return {"decided_by": [], "blocked_by": BlockReason(kind, reason=reason).to_json(), "form": 1}
