"""Searches the files of a folder for a regular expression, as a program of its own.

A regular expression that a model wrote can take for ever, and nothing but the end of its program would stop it. What
is asked comes as JSON from stdin, what was found goes to stdout, what is wrong with the question to stderr.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import BinaryIO, Final

from orchestrator.kinds.agent.tools.folder import Folder, OutsideError, open_at
from orchestrator.kinds.agent.tools.globs import fits

LARGEST: Final = 5_000_000
MOST_FOUND: Final = 300
LONGEST_LINE: Final = 300


def main() -> int:
    """Answer one question; a question that cannot be answered is an exit code of 2."""
    asked = json.load(sys.stdin)
    try:
        wanted = re.compile(asked["pattern"].encode("utf-8", "replace"))
        found = search(Folder(asked["root"]), asked["path"], wanted, asked["glob"])
        for number, line in enumerate(found):
            if number == MOST_FOUND:
                sys.stdout.write(f"[there is more than {MOST_FOUND} lines: search for less]\n")
                break
            sys.stdout.write(line)
            sys.stdout.flush()
    except (OutsideError, OSError, re.error, OverflowError, RecursionError) as error:
        sys.stderr.write(_in_words(error, asked))
        return 2
    return 0


def _in_words(error: Exception, asked: dict[str, str]) -> str:
    if isinstance(error, re.error | OverflowError | RecursionError):
        return f"the pattern is no regular expression: {error}"
    if isinstance(error, OSError):
        return f"{asked['path']}: {error.strerror or error}"
    return str(error)


def search(folder: Folder, path: str, wanted: re.Pattern[bytes], glob: str | None) -> Iterator[str]:
    """Yield the lines that fit, each with its file and its number."""
    above = "".join(f"{part}/" for part in folder.parts(path))
    try:
        with closing(folder.files(path)) as files:
            for name, where, last in files:
                if glob is None or fits(name.removeprefix(above), glob):
                    with suppress(OSError), open_at(where, last) as file:
                        yield from _found(file, name, wanted)
    except NotADirectoryError:
        with folder.reading(path) as file:
            yield from _found(file, path, wanted)


def _found(file: BinaryIO, name: str, wanted: re.Pattern[bytes]) -> Iterator[str]:
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST or b"\0" in data[:8_192]:
        return
    for number, line in enumerate(data.split(b"\n"), 1):
        if wanted.search(line):
            shown = line.strip()[:LONGEST_LINE].decode("utf-8", "replace")
            yield f"{name.encode('utf-8', 'replace').decode()}:{number}: {shown}\n"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]  # it is a text stream here
    sys.exit(main())
