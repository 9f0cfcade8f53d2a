"""A workflow to look at: it inspects the Python environment that it runs in, and is recorded while it does.

Nothing in it is staged: the distributions, licences and digests are those of this environment, the tool that fails
reads a file that is not there yet, and the step that is skipped has nothing to do.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
import secrets
import tempfile
from collections import Counter
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from otel_telemetry.records import StepType
from otel_telemetry.wiring import step, tool, workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DISTRIBUTIONS = 500
MAX_INSPECTED = 3
MAX_BYTES = 2_000_000
"""The work is bounded, so that the demo is over at once wherever it runs."""

WORKFLOW = "inspect-environment"
Snapshot: TypeAlias = dict[str, str]
_REQUIRED_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@tool("metadata.read")
def read_metadata(name: str) -> dict[str, str]:
    """Read what a distribution says about itself."""
    facts = distribution(name).metadata
    licence = next((facts[key] for key in ("License-Expression", "License") if key in facts), "not stated")
    return {"version": facts["Version"], "licence": licence.strip().partition("\n")[0][:40]}


@tool("licence.classify")
def classify_licence(licence: str, api_key: str) -> str:
    """Say what kind of licence it is. A service that did so would want a key: it is given one that opens nothing."""
    if not api_key:
        raise PermissionError("a key is needed")
    known = {"permissive": "MIT|BSD|Apache|PSF|ISC|Unlicense", "copyleft": "GPL|MPL|EPL"}
    return next((kind for kind, names in known.items() if re.search(names, licence)), "other")


@tool("record.verify")
def verify_record(name: str, max_bytes: int) -> dict[str, int]:
    """Compare a distribution's files with the SHA-256 digests in its RECORD."""
    verified = Counter(files=0, bytes=0, changed=0, unreadable=0)
    found = distribution(name)
    # Not its `files`, which leave out those that are missing, from Python 3.12 on.
    for row in csv.reader((found.read_text("RECORD") or "").splitlines()):
        path, recorded = (*row, "", "")[:2]
        algorithm, _, expected = recorded.partition("=")
        if algorithm != "sha256" or verified["bytes"] >= max_bytes:
            continue
        try:
            content = Path(str(found.locate_file(path))).read_bytes()
        except OSError:
            verified["unreadable"] += 1
            continue
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        verified.update(files=1, bytes=len(content), changed=int(digest != expected))
    return dict(verified)


@tool("requirements.resolve")
def resolve_requirements(name: str) -> dict[str, str]:
    """Find the installed version of each requirement that no marker makes conditional."""
    found: dict[str, str] = {}
    for requirement in distribution(name).requires or ():
        required = _REQUIRED_NAME.match(requirement)
        if required and ";" not in requirement:
            try:
                found[required[0]] = distribution(required[0]).version
            except PackageNotFoundError:
                found[required[0]] = "not installed"
    return found


@tool("snapshot.read")
def read_snapshot(path: Path) -> Snapshot:
    """Read the versions that were found before."""
    versions: Snapshot = json.loads(path.read_text(encoding="utf-8"))
    return versions


@step("remember", step_type=StepType.TOOL, tool_name="snapshot.write")
@tool("snapshot.write")
def write_snapshot(path: Path, versions: Snapshot) -> int:
    """Write the versions that were found, for the next time."""
    return path.write_text(json.dumps(versions), encoding="utf-8")


@step("discover")
def discover() -> Iterator[str]:
    """Yield the name of every distribution in this environment."""
    for found in islice(distributions(), MAX_DISTRIBUTIONS):
        if name := found.metadata["Name"]:  # what a broken installation leaves behind has none
            yield name


@step("licences")
def survey_licences(names: list[str], api_key: str) -> dict[str, int]:
    """Count the kinds of licences."""
    return dict(Counter(classify_licence(read_metadata(name)["licence"], api_key=api_key) for name in names))


@step("integrity")
def check_integrity(names: list[str]) -> dict[str, int]:
    """Add up what the files were found to be."""
    total: Counter[str] = Counter()
    for name in names:
        total.update(verify_record(name, MAX_BYTES))
    return dict(total)


@step("requirements")
def check_requirements(names: list[str]) -> list[str]:
    """List the requirements that are not installed."""
    resolved = [resolve_requirements(name) for name in names]
    return [name for found in resolved for name, version in found.items() if version == "not installed"]


@step("changes")
def find_changes(before: Path, versions: Snapshot) -> list[str]:
    """List the distributions whose version is not what it was."""
    known = read_snapshot(before)
    return sorted(name for name, version in versions.items() if known.get(name) != version)


def is_signed(found: Distribution) -> bool:
    """Whether a distribution's RECORD is signed."""
    return any(file.name in {"RECORD.jws", "RECORD.p7s"} for file in found.files or ())


@workflow(WORKFLOW, version="1")
def inspect_environment(snapshot: Path, api_key: str) -> dict[str, object]:
    """Inspect the distributions of this environment, some of them closely."""
    installed = sorted(set(discover()))
    names = installed[:MAX_INSPECTED]
    licences = survey_licences(names, api_key)
    integrity = check_integrity(names)
    missing = check_requirements(names)
    with step("signatures") as signatures:
        signed = [name for name in names if is_signed(distribution(name))]
        if not signed:
            signatures.skip(f"none of {', '.join(names)} has a signed RECORD")
    versions = {name: distribution(name).version for name in names}
    try:
        changes = find_changes(snapshot, versions)
    except FileNotFoundError:
        write_snapshot(snapshot, versions)
        changes = find_changes(snapshot, versions)
    return {
        "installed": len(installed),
        "licences": licences,
        "integrity": integrity,
        "missing": missing,
        "changes": changes,
    }


def run() -> None:
    """Run the workflow once, recorded by the telemetry configured last."""
    with tempfile.TemporaryDirectory() as folder:
        inspect_environment(Path(folder) / "versions.json", api_key=secrets.token_hex())
