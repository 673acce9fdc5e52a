"""A gate on the size of the holdout."""

from typing import Literal

from pydantic import Field

from retrain.gates import Evidence, Gate, Outcome, Verdict


class EnoughRows(Gate):
    """Pass if the holdout has at least `min` rows."""

    check: Literal["enough_rows"] = "enough_rows"
    min: int = Field(ge=10, description="Fewest rows of the holdout.")

    def judge(self, evidence: Evidence) -> Verdict:
        """Return the verdict on a challenger."""
        rows = len(evidence.scores.y)
        outcome = Outcome.PASS if rows >= self.min else Outcome.INCONCLUSIVE
        return Verdict("enough_rows", outcome, f"the holdout has {rows} rows", value=rows, bound=self.min)
