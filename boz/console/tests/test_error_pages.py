from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.test import Client

from boz.console.tests.test_pages import Page


@pytest.mark.parametrize("name", ["403.html", "403_csrf.html", "404.html", "500.html"])
def test_error_pages_need_nothing_but_themselves(name):
    page = Page(render_to_string(name))

    assert page.forbidden == []
    assert page.unbalanced == []
    assert name[:3] in page.text
    assert "To the overview" in page.text


@pytest.mark.django_db
def test_a_form_without_its_token_is_refused_in_plain_words():
    response = Client(enforce_csrf_checks=True).post("/login/", {"username": "a", "password": "b"})

    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()
