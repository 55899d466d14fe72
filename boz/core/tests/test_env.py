from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from boz.core import env

NAME = "BOZ_TEST_VALUE"
CANARY = "canary-9d1f"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delenv(f"{NAME}_FILE", raising=False)
    monkeypatch.setattr(env, "READ_NAMES", set())


def test_a_missing_required_variable_names_itself_and_its_fix() -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        env.read_secret(NAME, help="Make one with openssl.")

    sentence = str(caught.value)
    assert sentence.startswith(f"{NAME} is not set")
    assert f"{NAME}_FILE" in sentence
    assert "Make one with openssl." in sentence


def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "  ")

    assert env.read_int(NAME, default=7) == 7
    with pytest.raises(ImproperlyConfigured):
        env.read_str(NAME)


def test_a_file_holds_the_value_and_is_stripped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("  2.50\n", encoding="utf-8")
    monkeypatch.setenv(f"{NAME}_FILE", str(file))
    monkeypatch.setenv(NAME, "1.00")

    assert env.read_decimal(NAME) == Decimal("2.50")


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_a_missing_or_empty_file_is_loud_even_with_a_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "absent"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    monkeypatch.setenv(f"{NAME}_FILE", str(file))

    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE points at .*absent"):
        env.read_secret(NAME, default="fallback")


@pytest.mark.parametrize(
    ("text", "problem"),
    [("1.5", "a whole number"), ("abc", "a whole number"), ("-1", "at least 0"), ("11", "at most")],
)
def test_a_wrong_whole_number_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    monkeypatch.setenv(NAME, text)

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} must be .*{problem}.*{text}"):
        env.read_int(NAME, minimum=0, maximum=10)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1,5", "$1"])
def test_a_decimal_is_exact_and_finite(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(NAME, text)

    with pytest.raises(ImproperlyConfigured, match=NAME):
        env.read_decimal(NAME, default="1.00")
    with pytest.raises(ImproperlyConfigured, match=NAME):
        env.read_float(NAME, default=1.0)


def test_zero_is_a_value_and_not_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "0")

    assert env.read_int(NAME, default=3) == 0
    assert env.read_decimal(NAME, default="1.00") == Decimal("0")
    assert env.read_bool(NAME, default=True) is False


@pytest.mark.parametrize(
    ("text", "expected"), [("1", True), ("TRUE", True), ("on", True), ("no", False)]
)
def test_a_switch_knows_its_words(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: bool
) -> None:
    monkeypatch.setenv(NAME, text)

    assert env.read_bool(NAME) is expected


def test_a_switch_refuses_other_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "maybe")

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} must be 1 or 0.*maybe"):
        env.read_bool(NAME, default=False)


def test_a_choice_lists_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "Production")
    assert env.read_choice(NAME, choices=("test", "production")) == "production"

    monkeypatch.setenv(NAME, "staging")
    with pytest.raises(ImproperlyConfigured, match=r"one of test, production, was 'staging'"):
        env.read_choice(NAME, choices=("test", "production"))


def test_a_list_drops_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "a, b ,,c")

    assert env.read_list(NAME) == ["a", "b", "c"]
    assert env.read_list("BOZ_TEST_OTHER", default="") == []


@pytest.mark.parametrize("text", [f"ftp://user:{CANARY}@host", f"{CANARY}", f"http://:{CANARY}x"])
def test_a_wrong_address_is_refused_without_repeating_it(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(NAME, text)

    with pytest.raises(ImproperlyConfigured) as caught:
        env.read_url(NAME)

    assert CANARY not in str(caught.value)
    assert NAME in str(caught.value)


def test_an_address_loses_its_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "https://host:8443/a/")

    assert env.read_url(NAME) == "https://host:8443/a"


def test_a_wrong_database_address_is_refused_without_repeating_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(NAME, f"oddbase://user:{CANARY}@host/name")

    with pytest.raises(ImproperlyConfigured) as caught:
        env.read_database(NAME)

    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_database_address_becomes_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "postgres://boz:pw@db:5433/boz")

    config = env.read_database(NAME)

    assert config["ENGINE"] == "django.db.backends.postgresql"
    assert (config["HOST"], config["PORT"], config["NAME"]) == ("db", 5433, "boz")


def test_every_name_read_is_remembered() -> None:
    env.read_str(NAME, default="x")
    env.read_bool("BOZ_TEST_OTHER", default=False)

    assert {NAME, "BOZ_TEST_OTHER"} == env.READ_NAMES


def test_an_environment_file_never_overrides_what_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text(f"# comment\n{NAME}=from-file\nBOZ_TEST_NEW=a#b\n", encoding="utf-8")
    monkeypatch.setenv(NAME, "from-environment")
    monkeypatch.setenv("BOZ_TEST_NEW", "restored afterwards")
    monkeypatch.delenv("BOZ_TEST_NEW")

    assert env.load_env_file(file) is True

    assert os.environ[NAME] == "from-environment"
    assert os.environ.pop("BOZ_TEST_NEW") == "a#b"


def test_an_absent_environment_file_is_fine(tmp_path: Path) -> None:
    assert env.load_env_file(tmp_path / "none") is False
