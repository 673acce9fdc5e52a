"""The chaos run, short: what `make chaos` does for minutes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import URL
from tests.faults.chaos import chaos_over
from tests.servers import fresh_database

pytestmark = pytest.mark.live


@pytest.fixture
def fresh(postgresql: URL) -> Iterator[str]:
    with fresh_database(postgresql, "migrated") as url:
        yield url.render_as_string(hide_password=False)


def test_sixty_operations_with_faults_violate_nothing(mlflow_url: str, fresh: str) -> None:
    with chaos_over(7, mlflow_url, fresh) as chaos:
        for _ in range(60):
            chaos.step()
        chaos.check_all()
    assert chaos.operations.total() == 60
    assert chaos.faults.total() >= 15
