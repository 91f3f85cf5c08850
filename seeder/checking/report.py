"""What was found, for people (a line each) and for programs (JSON). Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from seeder.hls.check import RULES, Finding, Level
from seeder.logs import mask

MOST = 1000
"""Findings kept: a playlist that breaks a rule in every line need not be told to the end."""


@dataclass(slots=True)
class Report:
    """Findings, each kept once however many reloads show it."""

    url: str
    playlists: int = 0
    reloads: int = 0
    segments: int = 0
    bytes: int = 0
    left_out: int = 0
    times: Counter[Finding] = field(default_factory=Counter)
    """By the first of its kind."""
    _first: dict[tuple[str, str, str], Finding] = field(default_factory=dict)

    def add(self, finding: Finding) -> bool:
        """Whether it is a new one."""
        key = finding.rule, finding.where, finding.text
        first = self._first.get(key)
        if first is None and len(self._first) >= MOST:
            self.left_out += 1
            return False
        self._first.setdefault(key, finding)
        self.times[first or finding] += 1
        return first is None

    def count(self, level: Level) -> int:
        return sum(1 for finding in self.times if finding.level is level)

    def ok(self, strict: bool) -> bool:
        """No MUST is broken; with ``strict`` no SHOULD either."""
        return not self.count(Level.MUST) and not (strict and self.count(Level.SHOULD))

    def summary(self) -> str:
        counts = ", ".join(f"{self.count(level)} {level}" for level in Level)
        more = f", {self.left_out} left out" if self.left_out else ""
        seen = (
            f"{_many(self.playlists, 'playlist')}, {_many(self.reloads, 'reload')}, "
            f"{_many(self.segments, 'segment')} of {self.bytes / 1e6:.1f} MB"
        )
        return f"{counts}{more}  ({seen})"

    def to_json(self, strict: bool) -> str:
        found = [
            {
                "rule": f.rule, "section": f.section, "level": f.level.value, "where": mask(f.where),
                "line": f.line, "text": mask(f.text), "reload": f.reload, "times": times,
            }
            for f, times in self.times.items()
        ]  # fmt: skip
        facts = {
            "url": mask(self.url), "ok": self.ok(strict), "playlists": self.playlists,
            "reloads": self.reloads, "segments": self.segments, "bytes": self.bytes,
            "left_out": self.left_out, "findings": found,
        }  # fmt: skip
        return json.dumps(facts, indent=2, ensure_ascii=False)


def line(finding: Finding, root: str) -> str:
    """One finding: level, section, rule, where, what is there; ``root`` is what was asked to be checked."""
    where = finding.where.removeprefix(root.rpartition("/")[0] + "/") or root.rpartition("/")[2]
    place = f"{where}:{finding.line}" if finding.line else where
    return mask(f"{finding.level:<6} {finding.section:<9} {finding.rule}  {place}  {finding.text}")


def rules() -> Iterator[str]:
    """Every rule, a line each."""
    for rule in RULES.values():
        yield f"{rule.level:<6} {rule.section:<18} {rule.key:<24} {rule.says}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
