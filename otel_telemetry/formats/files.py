"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from typing import TYPE_CHECKING, BinaryIO

from otel_telemetry.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@contextlib.contextmanager
def written_whole(targets: Sequence[Path], *, overwrite: bool) -> Iterator[list[BinaryIO]]:
    """Yield a stream for each of `targets`, and put the files in their places once the block has ended well.

    Until then each is a temporary file in the same folder, mode 0600, that no link can lead elsewhere. If the block
    raises, the targets are what they were and the temporary files are gone. A target that is a symbolic link is
    replaced itself; what it points to is not touched.

    Raises:
        ExportError: a target exists and `overwrite` is false, it is not a file, or it cannot be written.
    """
    drafts: list[tuple[BinaryIO, str]] = []
    try:
        for target in targets:
            _check(target, overwrite=overwrite)
            drafts.append(_draft(target))
        yield [stream for stream, _ in drafts]
        for stream, _ in drafts:
            stream.flush()
            os.fsync(stream.fileno())
            stream.close()
        for (_, draft), target in zip(drafts, targets, strict=True):
            _check(target, overwrite=overwrite)
            os.replace(draft, target)  # noqa: PTH105  (the same call, without a Path made of the draft's name)
        for folder in {target.parent for target in targets}:
            _sync(folder)
    except OSError as exc:
        raise ExportError(f"cannot write {', '.join(map(str, targets))}: {exc.strerror or exc}") from exc
    finally:
        for stream, draft in drafts:
            with contextlib.suppress(OSError):
                stream.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)  # noqa: PTH108


def _check(target: Path, *, overwrite: bool) -> None:
    if not os.path.lexists(target):
        return
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        raise ExportError(f"{target} is not a file: give the name of a file to write")
    if not overwrite:
        raise ExportError(f"{target} exists: give another name, or overwrite it (overwrite=True, --overwrite)")


def _draft(target: Path) -> tuple[BinaryIO, str]:
    descriptor, name = tempfile.mkstemp(prefix=".otel-telemetry-", suffix=".tmp", dir=target.parent)
    return os.fdopen(descriptor, "wb"), name


def _sync(folder: Path) -> None:
    """Make the new names durable, where the system can open a folder (Windows cannot)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
