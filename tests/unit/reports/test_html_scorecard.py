from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.builders import LATER, NOT_WORSE, World, make_request, make_rows
from tests.rated import CHAMPION, LAST, measure_ageing_versions

from retrain.core.ledger.origin import Origin
from retrain.core.policy.gates import Outcome, Verdict
from retrain.core.ratings import summarize_rating
from retrain.core.report import RetrainReport
from retrain.reports.html_scorecard import Scale, draw_scorecard
from retrain.steps import report_decision

HOSTILE = "<img src=x onerror=alert(1)>|[x](javascript:alert(1))"
NUMBER, TEXT = 123456.78125, "ann@example.com"
VOID = {"meta", "img", "br", "line", "circle", "rect", "polyline"}


class Page(HTMLParser):
    """The elements of a page, its text, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def draw(report: RetrainReport, folder: Path) -> tuple[str, str]:
    page, card = draw_scorecard(report, folder)
    assert (page.name, card.name) == ("scorecard.html", "README.md")
    return page.read_text(), card.read_text()


def successor(world: World, task: str = "binary") -> RetrainReport:
    """Return the report of a second retrain after a first champion."""
    world.retrain()
    if task == "binary":
        world.respec(**NOT_WORSE, evaluation=world.spec.evaluation.model_dump(mode="json"))
    report: RetrainReport = world.report(world.decide(LATER))
    return report


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> RetrainReport:
    """A report that the tests share: it is frozen, so each of them changes a copy."""
    evaluation = {
        "task": "classification",
        "primary": "roc_auc",
        "metrics": ["roc_auc", "log_loss"],
        "slices": ["place"],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", list(sys.path))  # training puts the folder of its pipeline there
        return successor(World.make(tmp_path_factory.mktemp("report"), evaluation=evaluation))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_task_has_a_whole_page(make_world: Callable[..., World], tmp_path: Path, task: str) -> None:
    page = Page(draw(successor(make_world(task=task), task), tmp_path)[0])
    for heading in ("Gates", "Predictions that change", "Data", "Changed since the champion", "Where it came from"):
        assert heading in page.words
    assert ("Predicted against actual" if task == "regression" else "Calibration") in page.words
    assert ("likeliest class (of two" in page.words) is (task != "regression")


def test_the_first_lines_say_what_was_decided_and_why(report: RetrainReport, tmp_path: Path) -> None:
    words = Page(draw(report, tmp_path)[0]).words
    assert f"PROMOTE {report.headline}" in words[:400]
    assert words.index("roc_auc") < words.index("Gates")


def test_a_page_loads_nothing_runs_nothing_and_says_so(report: RetrainReport, tmp_path: Path) -> None:
    text = draw(replace(report, links={"MLflow run": "http://mlflow/#/runs/1"}), tmp_path)[0]
    page = Page(text)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "form", "base", "use", "image"}
    loading = [
        (tag, name) for tag, found in page.elements for name in found if name in ("src", "srcset", "style", "data")
    ]
    assert loading == []
    assert not re.search(r"url\(|@import|\son\w+=", text)
    assert [found["href"] for tag, found in page.elements if tag == "a"] == ["http://mlflow/#/runs/1"]
    policy = next(found["content"] for _, found in page.elements if "http-equiv" in found)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def rated(report: RetrainReport) -> RetrainReport:
    """Return a report whose gates had all versions rated."""
    rating = summarize_rating(measure_ageing_versions(), primary="roc_auc", champion=CHAMPION, champions={})
    return replace(report, rating=rating)


def test_all_versions_are_drawn_as_they_are_rated_the_latest_first(report: RetrainReport, tmp_path: Path) -> None:
    page = Page(draw(rated(report), tmp_path)[0])
    assert f"All versions, as rated after {LAST - 1} windows" in page.words
    assert "A month of age costs a version about" in page.words
    marks = [
        found["aria-label"] or "" for tag, found in page.elements if tag == "svg" and "expected gain" in str(found)
    ]
    assert [mark.split(":")[0].split(",")[0] for mark in marks] == [f"version {n}" for n in range(LAST, 0, -1)]
    assert marks[0].startswith(f"version {LAST}, the challenger: expected gain +")
    assert marks[LAST - CHAMPION].startswith(f"version {CHAMPION}, the champion: expected gain +0.0000")
    assert marks[LAST - CHAMPION + 1].startswith(f"version {CHAMPION - 1}: expected gain -")


def test_the_zero_line_is_the_champion_and_better_versions_are_right_of_it(
    report: RetrainReport, tmp_path: Path
) -> None:
    text = draw(rated(report), tmp_path)[0]
    table = text[text.index('<table class="wide rating">') :]
    lines = {float(share) for share in re.findall(r'class="bound" x1="([\d.]+)%"', table)}
    dots = [float(share) for share in re.findall(r'class="dot" cx="([\d.]+)%"', table)]
    (zero,) = lines
    assert dots[0] > zero > dots[LAST - CHAMPION + 1]
    assert dots[LAST - CHAMPION] == zero


def test_a_page_without_a_rating_has_no_picture_of_one(report: RetrainReport, tmp_path: Path) -> None:
    assert report.rating is None
    assert "as rated after" not in draw(report, tmp_path)[0]


def hostile(report: RetrainReport) -> RetrainReport:
    """Return a report with markup wherever somebody else's words are shown."""
    assert report.scorecard is not None
    slices = tuple(replace(item, column=HOSTILE, value=HOSTILE) for item in report.scorecard.slices)
    verdicts = tuple(replace(item, check=HOSTILE, reason=HOSTILE, method=HOSTILE) for item in report.decision.verdicts)
    assert report.champion is not None
    return replace(
        report,
        spec=report.spec.model_copy(update={"description": HOSTILE, "owner": HOSTILE}),
        decision=replace(
            report.decision,
            model=HOSTILE,
            reason=HOSTILE,
            origin=Origin.of_dag_run(HOSTILE, HOSTILE),
            verdicts=verdicts,
        ),
        champion=replace(report.champion, params={HOSTILE: HOSTILE}),
        scorecard=replace(report.scorecard, slices=slices),
    )


def test_names_and_reasons_with_markup_stay_text(report: RetrainReport, tmp_path: Path) -> None:
    page, card = draw(hostile(report), tmp_path)
    found = Page(page)
    assert not [tag for tag, attributes in found.elements if tag == "img" or "onerror" in attributes]
    assert found.text.count(HOSTILE) > 10
    body = card.split("---\n", 2)[2]
    assert HOSTILE not in body
    assert r"\<img src=x onerror=alert\(1\)\>\|\[x\]\(javascript\:alert\(1\)\)" in body


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_no_value_of_a_row_is_shown(make_world: Callable[..., World], task: str) -> None:
    rows = make_rows(task=task)
    rows["other"][::7] = NUMBER
    rows["note"] = np.full(len(rows["at"]), TEXT, dtype=object)
    if task == "regression":
        rows["label"] = rows["label"] + NUMBER * (np.arange(len(rows["at"])) % 11 == 0)
    lenient = {"gate": [{"check": "threshold", "metric": "mae", "max": 1e9}]}
    world = make_world(task=task, rows=rows, **(lenient if task == "regression" else NOT_WORSE))
    for request in (make_request(), LATER):
        decision = world.decide(request)
        assert decision.challenger is not None
        assert report_decision(world.spec, decision, decision.challenger, world)
        world.promote(request, decision)
    files = [path for path in (world.root / "registry" / "runs").rglob("*") if path.is_file()]
    assert sum(path.name in ("scorecard.html", "README.md") for path in files) == 4
    for path in [*files, *(world.root / "registry" / "models").rglob("description.md")]:
        text = path.read_text()
        for canary in (TEXT, str(NUMBER), f"{NUMBER:,.5f}", "123456", "123,456"):
            assert canary not in text, path


def test_whatever_a_verdict_tells_of_itself_is_shown(report: RetrainReport, tmp_path: Path) -> None:
    verdict = Verdict(
        "beats_champion",
        Outcome.PASS,
        "better",
        0.0123,
        0.01,
        (0.0111, 0.0135),
        method="delong",
        level=0.0125,
        detectable=0.0456,
        rows_needed=1_234,
        metric="roc_auc",
    )
    words = Page(draw(replace(report, decision=replace(report.decision, verdicts=(verdict,))), tmp_path)[0]).words
    for expected in (
        "method delong",
        "error level 0.0125",
        "0.0456",
        "about 1,234 more labelled rows",
        "+0.0123 [+0.0111, +0.0135]",
    ):
        assert expected in words


def test_a_gate_on_slices_says_that_a_detectable_drop_fails(report: RetrainReport, tmp_path: Path) -> None:
    verdict = Verdict("slices", Outcome.PASS, "within", 0.1, 0.3, detectable=0.9194, rows_needed=None)
    words = Page(draw(replace(report, decision=replace(report.decision, verdicts=(verdict,))), tmp_path)[0]).words
    assert "fails a slice that drops by 0.9194 or more, with 80 % power" in words


def test_rows_for_which_nobody_can_wait_are_not_counted(report: RetrainReport, tmp_path: Path) -> None:
    verdict = Verdict("beats_champion", Outcome.INCONCLUSIVE, "waiting will not do", 0.1, 0.0, rows_needed=920_000)
    decision = replace(report.decision, choice=report.decision.choice.HOLD, verdicts=(verdict,))
    assert "more labelled rows" not in Page(draw(replace(report, decision=decision), tmp_path)[0]).words


@pytest.mark.parametrize(
    ("outcome", "value", "bound", "interval", "expected"),
    [
        (Outcome.PASS, 0.7, 0.6, None, "0.1000 to spare"),
        (Outcome.PASS, 20.0, 35.0, None, "15.0000 to spare"),
        (Outcome.PASS, 0.03, 0.0, (0.01, 0.05), "0.0100 to spare"),
        (Outcome.FAIL, -0.03, 0.0, (-0.05, -0.01), "0.0100 too far"),
        (Outcome.FAIL, 0.04, 0.03, None, "0.0100 too far"),
        (Outcome.INCONCLUSIVE, 0.5, 0.6, None, ""),
        (Outcome.PASS, 0.12, 0.1, (0.08, 0.16), ""),
        (Outcome.PASS, 0.12, None, None, ""),
    ],
)
def test_a_gate_shows_its_margin_if_it_has_one(
    report: RetrainReport,
    tmp_path: Path,
    outcome: Outcome,
    value: float,
    bound: float | None,
    interval: tuple[float, float] | None,
    expected: str,
) -> None:
    verdict = Verdict("a", outcome, "because", value, bound, interval)
    decision = replace(report.decision, choice=report.decision.choice.HOLD, verdicts=(verdict,))
    words = Page(draw(replace(report, decision=decision), tmp_path)[0]).words
    assert re.findall(r"[\d.]+ to spare|[\d.]+ too far", words) == ([expected] if expected else [])


@pytest.mark.parametrize("bound", [None, math.nan, math.inf, 0.0])
@pytest.mark.parametrize("interval", [None, (math.nan, 0.2), (0.1, math.inf), (0.1, 0.1)])
def test_numbers_that_are_none_leave_no_mark(
    report: RetrainReport, tmp_path: Path, bound: float | None, interval: tuple[float, float] | None
) -> None:
    verdict = Verdict("a", Outcome.INCONCLUSIVE, "because", 0.1, bound, interval)
    other = Verdict("b", Outcome.INCONCLUSIVE, "because", math.nan, interval=(0.1, 0.2))
    decision = replace(report.decision, choice=report.decision.choice.HOLD, verdicts=(verdict, other))
    text = draw(replace(report, decision=decision), tmp_path)[0]
    assert not re.search(r"\b(nan|inf)\b", text)


def test_a_card_carries_the_metadata_that_the_hub_reads(report: RetrainReport, tmp_path: Path) -> None:
    _, front, body = draw(report, tmp_path)[1].split("---\n", 2)
    found: dict[str, Any] = yaml.safe_load(front)
    assert found["library_name"] == "sklearn"
    assert found["pipeline_tag"] == "tabular-classification"
    (model,) = found["model-index"]
    (result,) = model["results"]
    assert result["task"] == {"type": "tabular-classification"}
    assert {"type", "name"} <= result["dataset"].keys()
    assert result["dataset"]["revision"] == report.decision.snapshot
    metrics = {item["type"]: item["value"] for item in result["metrics"]}
    assert metrics["roc_auc"] == pytest.approx(report.decision.challenger_value, abs=1e-6)
    assert re.findall(r"^## (.+)$", body, flags=re.MULTILINE) == [
        "Intended use",
        "Training data",
        "Evaluation",
        "Limitations",
        "Fairness",
        "How to load it",
    ]
    assert report.made.manifest_digest in body
    compile(body.split("```python\n")[1].split("```")[0], "card", "exec")


def test_a_card_names_the_slices_that_lose_and_what_a_fairness_gate_says(report: RetrainReport, tmp_path: Path) -> None:
    assert report.scorecard is not None
    loser = replace(report.scorecard.slices[0], value="north", challenger={"roc_auc": 0.5}, opponent={"roc_auc": 0.75})
    verdict = Verdict("fairness", Outcome.PASS, "groups differ by 0.01", metric="place")
    changed = replace(
        report,
        scorecard=replace(report.scorecard, slices=(loser,)),
        decision=replace(report.decision, verdicts=(*report.decision.verdicts, verdict)),
    )
    body = draw(changed, tmp_path)[1]
    assert "- place = north: 0.5000 instead of 0.7500" in body
    assert r"- fairness\(place\): pass, groups differ by 0.01" in body


def test_a_report_without_evidence_is_a_page_and_a_card_without_results(report: RetrainReport, tmp_path: Path) -> None:
    decision = replace(
        report.decision, choice=report.decision.choice.REJECT, verdicts=(), decided_by=(), failed_step="evaluate"
    )
    bare = RetrainReport(report.spec, decision, report.made, replace(report.inputs, snapshot=None))
    page, card = draw(bare, tmp_path)
    assert "the step evaluate failed" in Page(page).words
    assert "The snapshot is not in the store any more." in Page(page).words
    assert "model-index" not in yaml.safe_load(card.split("---\n", 2)[1])


@pytest.mark.parametrize("values", [[], [None], [math.nan], [0.0], [5.0], [-2.0, 3.0], [1e9, None, -math.inf]])
def test_an_axis_has_room_for_every_number(values: list[float | None]) -> None:
    scale = Scale.over(values)
    assert scale.low < scale.high
    for value in values:
        if value is not None and math.isfinite(value):
            assert 0 < scale.share(value) < 1
