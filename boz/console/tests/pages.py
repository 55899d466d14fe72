"""Reads pages in tests, and holds them to what every page promises."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from django.db import connection
from django.test.utils import CaptureQueriesContext


class Page(HTMLParser):
    """Reads a page: its text, and everything a strict content policy forbids."""

    VOID = {"meta", "link", "img", "input", "br", "rect", "line", "circle", "path"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.forbidden: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        names = {name for name, _ in attrs}
        self.ids += [value for name, value in attrs if name == "id"]
        if tag in ("script", "style") or "style" in names:
            self.forbidden.append(tag)
        self.forbidden += [name for name in names if name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def read(client, path: str = "/", **params) -> Page:
    """Return a page, which must answer and keep to the content policy."""
    response = client.get(path, params)
    assert response.status_code == 200, (path, response.status_code)
    page = Page(response.content.decode())
    assert page.forbidden == []
    assert page.unbalanced == []
    assert page.open == []
    assert len(page.ids) == len(set(page.ids)), "an id is used twice"
    return page


def counted(client, path: str, **params) -> int:
    """Return how many queries a page needs."""
    with CaptureQueriesContext(connection) as context:
        read(client, path, **params)
    return len(context)
