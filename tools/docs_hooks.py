"""MkDocs hooks: what the site shows and the Markdown files do not hold.

The words after a fence that only tests read (``live``) go away, ``file=…`` becomes a title, links to files outside docs/ lead to
the repository, and comments such as ``<!-- generated: cli -->`` are replaced by what the command line, the provider and the API
document.
"""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import CombinedEvent, event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.cli import get_docs_for_click

from retrain.cli import app
from retrain.provider_info import get_provider_info

__all__ = ["on_files", "on_page_markdown"]

ROOT = Path(__file__).parents[1]
MERMAID = ROOT / "tools" / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js"
_log = logging.getLogger("mkdocs.hooks.retrain")  # below mkdocs, so that a warning fails a strict build
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w+) (?P<words>[^\n`]+)$", re.MULTILINE)
_LINK = re.compile(r"\]\((?P<target>\.\./[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add mermaid, which draws the diagrams in the reader's browser."""
    if not MERMAID.is_file():
        raise PluginError(
            f"{MERMAID.relative_to(ROOT)} must exist; got no such file. Run `make docs`, which installs it."
        )
    files.append(File.generated(config, "javascripts/mermaid.tiny.js", content=MERMAID.read_bytes()))
    return files


@event_priority(50)  # before the plugin that reads the mark of the API
def _write_generated_parts(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - MkDocs' signature
    """Return a page's Markdown as MkDocs can read it."""
    markdown = markdown.replace("<!-- generated: cli -->", _command_line())
    markdown = markdown.replace("<!-- generated: rest -->", f"[OAD({_write_short_openapi()})]")
    markdown = markdown.replace("<!-- generated: settings -->", _settings())
    markdown = _FENCE.sub(_title_fence, markdown)
    source = Path(page.file.src_uri)
    return _LINK.sub(lambda match: _link_to_repository(match, source, str(config.repo_url)), markdown)


@event_priority(-50)
def _drop_second_title(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - MkDocs' signature
    """Return a page without the title that the plugin for APIs gives its part."""
    return re.sub(r"^# retrain .*$", "", markdown, flags=re.MULTILINE) if page.file.name == "rest" else markdown


on_page_markdown = CombinedEvent(_write_generated_parts, _drop_second_title)


def _write_short_openapi() -> Path:
    """Write the API's description without the text on tokens, which every route would repeat; return its path."""
    description = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    description["components"].pop("securitySchemes", None)
    for operations in description["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
    path = ROOT / "build" / "openapi.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(description), encoding="utf-8")
    return path


def _title_fence(match: re.Match[str]) -> str:
    """Show ``file=dags/churn.py`` as the title of a block and hide the words for tests."""
    settings = dict(word.split("=", 1) for word in match["words"].split() if "=" in word)
    title = f' title="{settings["file"]}"' if "file" in settings else ""
    return f"{match['indent']}```{match['language']}{title}"


def _link_to_repository(match: re.Match[str], source: Path, repository: str) -> str:
    """Turn a relative link that leaves docs/ into the address of the file in the repository."""
    path = Path(os.path.normpath("docs" / source.parent / match["target"]))
    if path.parts[0] == "docs":
        return match[0]
    if not (ROOT / path).exists():
        _log.warning("%s links to %s, which does not exist", source, path)
    kind = "tree" if (ROOT / path).is_dir() else "blob"
    return f"]({repository}/{kind}/main/{path.as_posix()}{match['anchor'] or ''})"


def _command_line() -> str:
    """Return the reference of `retrain` as Typer writes it, one heading level deeper than the page's title."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="retrain")
    text = get_docs_for_click(obj=command, ctx=context, name="retrain")
    return text.partition("\n")[2]


def _settings() -> str:
    """Return tables of the connection types and of the settings that the provider declares."""
    info = get_provider_info()
    lines = ["## Connections", "", "| type | name | fields | extra fields |", "|---|---|---|---|"]
    lines += map(_connection_row, info["connection-types"])
    lines += [
        "",
        "## Settings",
        "",
        "| setting | environment variable | default | example | meaning |",
        "|---|---|---|---|---|",
    ]
    for section, content in info["config"].items():
        lines += [_setting_row(section, name, option) for name, option in content["options"].items()]
    return "\n".join(lines)


def _connection_row(kind: dict[str, Any]) -> str:
    behaviour = kind["ui-field-behaviour"]
    fields = [f"`{name}` ({behaviour['relabeling'].get(name, name)})" for name in behaviour["placeholders"]]
    extra = [f"`{name}`: {field['description']}" for name, field in kind["conn-fields"].items()]
    return f"| `{kind['connection-type']}` | {kind['hook-name']} | {', '.join(fields)} | {' '.join(extra)} |"


def _setting_row(section: str, name: str, option: dict[str, Any]) -> str:
    variable = f"AIRFLOW__{section.upper()}__{name.upper()}"
    default = f"`{option['default']}`" if option["default"] else "empty"
    return f"| `[{section}] {name}` | `{variable}` | {default} | `{option['example']}` | {option['description']} |"
