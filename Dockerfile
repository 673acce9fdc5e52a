# syntax=docker/dockerfile:1
# Airflow with the provider, for every service of docker-compose.yaml but the database.
# The slim image holds Airflow's core alone: the full one's hundred providers would fight over versions with the lock.
FROM apache/airflow:slim-3.3.2-python3.12 AS locked
COPY docker/requirements.lock /opt/retrain/requirements.lock
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement /opt/retrain/requirements.lock

FROM locked AS wheel
COPY --chown=airflow:0 pyproject.toml README.md LICENSE /tmp/source/
COPY --chown=airflow:0 plugins/retrain /tmp/source/plugins/retrain
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /tmp/wheels /tmp/source

FROM locked
USER root
# A new named volume takes over the owner of what it covers.
RUN install --directory --owner airflow --group 0 --mode 0770 /opt/airflow/store /opt/airflow/auth /mlflow
USER airflow
RUN --mount=type=bind,from=wheel,source=/tmp/wheels,target=/tmp/wheels \
    pip install --no-cache-dir --no-deps /tmp/wheels/*.whl && retrain --version
ENV GX_ANALYTICS_ENABLED=false \
    MLFLOW_DISABLE_TELEMETRY=true
