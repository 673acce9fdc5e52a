"""Decisions and champions as tables that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from retrain.core.evaluation.refit import RefitCheck
from retrain.core.ledger.entries import LedgerEntry
from retrain.core.names import PRODUCTION
from retrain.core.policy.decision import Choice, Decision
from retrain.core.policy.gates.rated import describe_ageing, format_chance
from retrain.core.text import to_one_line

if TYPE_CHECKING:
    from retrain.core.ratings import RatingSummary
    from retrain.steps import RollbackPlan

__all__ = [
    "print_champion",
    "print_decision",
    "print_decisions",
    "print_freeze",
    "print_rating",
    "print_rollback",
    "print_stall",
    "print_why",
    "style_choice",
]

_STALLED: Final = 3
_MONTHS: Final = timedelta(days=84)
"""A timeline stalls if at least `_STALLED` retrains over at least this time promoted nothing."""
_STYLE: Final = {Choice.PROMOTE: "bold green", Choice.HOLD: "yellow", Choice.REJECT: "red"}


def print_decisions(console: Console, decisions: Sequence[Decision]) -> None:
    """Print one row a decision: as-of, rows, challenger and opponent with the gain's interval, decision, why."""
    metric = next((decision.metric for decision in decisions if decision.metric), "metric")
    title = f"{decisions[0].model} on {decisions[0].timeline}, {metric}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("as of", "train", "holdout", "challenger", "opponent"):
        table.add_column(name, justify="left" if name == "as of" else "right", no_wrap=True)
    table.add_column("gain, interval", no_wrap=True)
    table.add_column("decision", no_wrap=True)
    table.add_column("why", min_width=24)
    for decision in decisions:
        table.add_row(
            f"{decision.as_of:%Y-%m-%d}",
            _count(decision.train_rows),
            _count(decision.holdout_rows),
            _number(decision.challenger_value),
            _opponent(decision),
            _plain(_gain(decision)),
            style_choice(decision),
            _plain(_why(decision)),
        )
    console.print(table)
    if any(decision.gain and decision.gain.method == "rating" for decision in decisions):
        console.print(
            "A gain is what all windows so far let one expect, with its 95 % interval. It is less than the difference between the "
            "two models on this holdout, because the luck of one holdout is taken off.",
            highlight=False,
            soft_wrap=True,
        )


def print_stall(console: Console, decisions: Sequence[Decision]) -> None:
    """Print that nothing was promoted for months, if so, and what to do about it."""
    promoted = [decision.as_of for decision in decisions if decision.choice is Choice.PROMOTE]
    since = max(promoted, default=None)
    later = sorted({decision.as_of for decision in decisions if since is None or decision.as_of > since})
    if len(later) < _STALLED or later[-1] - (since or later[0]) < _MONTHS:
        return
    model = _plain(decisions[0].model)
    console.print(
        f"[yellow]Nothing was promoted[/] by the last {len(later)} retrains, {later[0]:%Y-%m-%d} to {later[-1]:%Y-%m-%d}. "
        f"`retrain backtest {model}` shows what other gates would have done; a longer holdout or better features may help.",
        highlight=False,
        soft_wrap=True,
    )


def print_decision(console: Console, decision: Decision) -> None:
    """Print one decision with every verdict."""
    version = f"version {decision.challenger.version}" if decision.challenger else "no challenger"
    console.print(f"{style_choice(decision)} {_plain(decision.model)} as of {decision.as_of:%Y-%m-%d %H:%M}, {version}")
    for verdict in decision.verdicts:
        console.print(
            f"  {verdict.outcome.value:<12} {_plain(verdict.name)}: {_plain(verdict.reason)}",
            highlight=False,
            soft_wrap=True,
        )
    if not decision.decided_by:
        console.print(f"  {_plain(decision.reason)}", highlight=False, soft_wrap=True)


def style_choice(decision: Decision) -> str:
    """Return the choice in its colour, as markup."""
    return f"[{_STYLE[decision.choice]}]{decision.choice.value}[/]"


def print_champion(console: Console, entry: LedgerEntry) -> None:
    """Print who was champion by a ledger entry."""
    console.print(
        f"[bold]version {entry.version}[/] of {_plain(entry.model)} on {_plain(entry.timeline)}", highlight=False
    )
    for name, value in (
        ("since", f"{entry.at:%Y-%m-%d %H:%M:%S %Z}"),
        ("as of", f"{entry.as_of:%Y-%m-%d %H:%M}"),
        ("generation", str(entry.generation)),
        ("before", f"version {entry.previous_version}" if entry.previous_version else "none"),
        ("by", entry.actor),
        ("why", entry.reason),
        ("manifest", entry.manifest_digest),
    ):
        console.print(f"  {name:<11} {_plain(value)}", highlight=False, soft_wrap=True)


def print_freeze(console: Console, freeze: LedgerEntry) -> None:
    """Print that a model is frozen: since when, by whom, why, and what lifts it."""
    console.print(
        f"[yellow]frozen[/] since {freeze.at:%Y-%m-%d %H:%M:%S %Z} by {_plain(freeze.actor)}: {_plain(freeze.reason)}\n"
        f"  no challenger is promoted until `retrain unfreeze {_plain(freeze.model)} --reason ...`",
        highlight=False,
        soft_wrap=True,
    )


def print_rollback(console: Console, plan: RollbackPlan, alias: str) -> None:
    """Print what a rollback changes."""
    now, then = plan.current, plan.target
    if plan.done:
        console.print(f"Version {now.version} is champion already ({now.action.value}): nothing to do", highlight=False)
        return
    table = Table(title=f"{now.model} on {now.timeline}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("", "now", "after"):
        table.add_column(name)
    table.add_row("champion", f"version {now.version}", f"version {then.version}")
    table.add_row("as of", f"{now.as_of:%Y-%m-%d %H:%M}", f"{then.as_of:%Y-%m-%d %H:%M}")
    table.add_row("generation", str(now.generation), str((now.generation or 0) + 1))
    table.add_row("manifest", now.manifest_digest[:12], then.manifest_digest[:12])
    if now.timeline == PRODUCTION:
        table.add_row(f"alias {alias}", f"version {now.version}", f"version {then.version}")
    table.add_row("quarantine", "", f"key {now.key[:12]} of version {now.version}")
    console.print(table)


def print_rating(console: Console, rating: RatingSummary, of: str) -> None:
    """Print one row a version: as-of, expected gain over the champion, chance to be best; then how fast versions age."""
    windows = f"{rating.windows} window" + ("s" if rating.windows != 1 else "")
    title = f"{_plain(of)}, {rating.metric}: all versions as rated after {windows}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("version", justify="right", no_wrap=True)
    for name in ("", "as of", "expected gain over the champion [95 % interval]"):
        table.add_column(name, no_wrap=True)
    table.add_column("chance to be best", justify="right", no_wrap=True)
    roles = {rating.challenger: "challenger", rating.champion: "champion"}
    for each in rating.versions:
        low, high = each.interval
        gain = "0" if each.version == rating.champion else f"{each.gain:+.4f} [{low:+.4f}, {high:+.4f}]"
        chance, role = format_chance(each.chance_best), roles.get(each.version, "")
        style = "bold" if role else ""
        table.add_row(f"{each.version}", role, f"{each.as_of:%Y-%m-%d}", _plain(gain), chance, style=style)
    console.print(table)
    console.print(describe_ageing(rating.ageing), highlight=False)


def print_why(
    console: Console,
    model: str,
    version: int,
    decisions: Sequence[Decision],
    entries: Sequence[LedgerEntry],
    tags: Mapping[str, str],
    run: str,
    refit: RefitCheck | None = None,
) -> None:
    """Print all that is known of a version."""
    console.print(f"[bold]version {version}[/] of {_plain(model)}", highlight=False)
    made = decisions[-1] if decisions else None
    known = {
        "key": (made.challenger.key if made and made.challenger else entries[0].key),
        "manifest": (made.challenger.manifest_digest if made and made.challenger else entries[0].manifest_digest),
        "snapshot": made.snapshot if made else "",
        "code": tags.get("retrain.code", ""),
        "lock": tags.get("retrain.lock", ""),
        "spec": tags.get("retrain.spec", ""),
        "run": run,
    }
    for name, value in known.items():
        if value:
            console.print(f"  {name:<9} {_plain(value)}", highlight=False, soft_wrap=True)
    if refit is not None:
        for name, value in (("judged", refit.refit.judged), ("served", refit.refit.served)):
            console.print(f"  {name:<9} {_plain(value)}", highlight=False, soft_wrap=True)
        console.print(f"  {refit.describe()}", highlight=False, soft_wrap=True)
    for decision in decisions:
        console.print(
            f"\ndecided {decision.at:%Y-%m-%d %H:%M:%S} on {_plain(decision.timeline)}, by {_plain(str(decision.origin))}",
            highlight=False,
        )
        print_decision(console, decision)
        _print_test(console, decision)
    if entries:
        console.print("\nmoves", highlight=False)
    for entry in entries:
        where = f"generation {entry.generation}" if entry.generation is not None else "nothing moved"
        approved = f", approved by {entry.approver}" if entry.approver else ""
        until = f", until {entry.expires_at:%Y-%m-%d %H:%M}" if entry.expires_at else ""
        console.print(
            f"  {entry.seq:>4} {entry.at:%Y-%m-%d %H:%M:%S} {entry.action.value:<8} {_plain(entry.timeline)}, {where}, "
            f"by {_plain(entry.actor)}{_plain(approved)}{until}: {_plain(entry.reason)}",
            highlight=False,
            soft_wrap=True,
        )


def _print_test(console: Console, decision: Decision) -> None:
    """Print what the decision took from the data: how much earlier ones used its holdout, and the error it spent."""
    if decision.holdout:
        start, end = decision.holdout
        console.print(
            f"  holdout {start:%Y-%m-%d} to {end:%Y-%m-%d}: {_describe_earlier_use(decision.consulted)}",
            highlight=False,
        )
    if decision.allotment:
        place = f", place {decision.allotment.place}" if decision.allotment.place else ""
        given = f"level {decision.allotment.level:.4f} of {_plain(decision.allotment.sequence)}{place}"
        console.print(f"  error control: {given}", highlight=False, soft_wrap=True)


def _describe_earlier_use(consulted: float) -> str:
    """Return how much earlier decisions used the same rows."""
    if consulted < 0.005:
        return "no earlier decision used these rows"
    if consulted < 1:
        return f"earlier decisions used {consulted:.0%} of these rows"
    return f"earlier decisions used these rows {consulted:.1f} times over"


def _plain(text: str) -> str:
    """Return text that is shown as it is: a reason or a user's name may hold anything."""
    return escape(to_one_line(text))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _opponent(decision: Decision) -> str:
    if decision.opponent is None:
        return "-"
    who = f"v{decision.champion_version}" if decision.opponent == "champion" else decision.opponent
    return f"{who} {_number(decision.opponent_value)}"


def _gain(decision: Decision) -> str:
    verdict = decision.gain
    if verdict is None or verdict.interval is None:
        return "-"
    low, high = verdict.interval
    return f"{verdict.value:+.4f} [{low:+.4f}, {high:+.4f}]"


def _why(decision: Decision) -> str:
    """Return what decided: of a promotion the count of gates, otherwise the verdicts that were not a pass."""
    if decision.choice is Choice.PROMOTE and decision.challenger:
        count = len(decision.verdicts)
        passed = f"all {count} gates pass" if count > 1 else "the gate passes"
        return f"{passed}: version {decision.challenger.version}"
    return decision.reason
