"""One page that needs no other file and says all, on every shop."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from tests.e2e.built import Built


class _Tags(HTMLParser):
    """Counts what is open, and collects what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.fetched += [
            v or "" for name, v in attrs if name in ("src", "href") and not (v or "").startswith("#")
        ]

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def test_the_page_holds_every_section_and_task_and_fetches_nothing(built: Built) -> None:
    told = built.json("report")
    page = (built.path / told["file"]).read_text()
    tags = _Tags()
    tags.feed(page)
    assert tags.fetched == []
    assert tags.headings == [
        "Retrieval",
        "Ranking",
        "Curves",
        "Cohorts",
        "What the model looks at",
        "Training",
        "Recommendations to read",
    ]
    assert built.bundle in page
    for task in built.tasks:
        assert f"{task}: reliability" in page or f"<h3>{task}</h3>" in page
    assert len(re.findall("<svg", page)) > 3 * len(built.tasks)
    assert "training loss" in page  # the histories are in the bundle's manifest
    assert "nan" not in re.sub("<svg.*?</svg>", "", page, flags=re.DOTALL).lower().split()
