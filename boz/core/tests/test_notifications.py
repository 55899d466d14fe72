from __future__ import annotations

import datetime as dt

import pytest

from boz.core.encryption import Secret
from boz.core.errors import OperatorActionRequired, TransientError
from boz.core.models import Level, LogEntry, Notification, NotificationTarget
from boz.core.services.notifications import (
    deliver_notifications,
    notify,
    send_with_apprise,
)
from boz.core.tests.factories import NOW, NotificationFactory, NotificationTargetFactory

pytestmark = pytest.mark.django_db

MINUTE = dt.timedelta(minutes=1)


class Post:
    """Takes messages, unless the address is one of ``failing``."""

    def __init__(self, *failing: str) -> None:
        self.failing = set(failing)
        self.sent: list[tuple[str, str]] = []

    def __call__(self, url: Secret, notification: Notification) -> None:
        if url.reveal() in self.failing:
            raise TransientError("The service did not take the message.")
        self.sent.append((url.reveal(), notification.title))


def test_the_same_subject_is_told_once() -> None:
    first = notify(level="ERROR", title="Stopped", body="", now=NOW, subject_key="kill:1")
    second = notify(level="ERROR", title="Again", body="", now=NOW, subject_key="kill:1")
    notify(level="INFO", title="No key", body="", now=NOW)
    notify(level="INFO", title="No key", body="", now=NOW)

    assert first.pk == second.pk
    assert second.title == "Stopped"
    assert Notification.objects.count() == 3


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        notify(level="LOUD", title="x", body="", now=NOW)


def test_a_message_goes_to_every_target_once() -> None:
    NotificationTargetFactory(url="json://a"), NotificationTargetFactory(url="json://b")
    NotificationFactory(title="Hello")
    post = Post()

    result = deliver_notifications(NOW, send=post)
    again = deliver_notifications(NOW + MINUTE, send=post)

    assert post.sent == [("json://a", "Hello"), ("json://b", "Hello")]
    assert result.done == {"delivered": 1, "waiting": 0, "targets": 2}
    assert again.done == {"delivered": 0, "waiting": 0, "targets": 2}
    assert Notification.objects.get().delivered_at == NOW


def test_a_target_gets_only_what_matters_enough_to_it() -> None:
    NotificationTargetFactory(url="json://a", minimum_level=Level.ERROR)
    NotificationTargetFactory(url="json://off", is_active=False)
    for level in Level:
        NotificationFactory(level=level, title=level)
    post = Post()

    deliver_notifications(NOW, send=post)

    assert [title for _, title in post.sent] == ["ERROR", "CRITICAL"]


def test_one_failing_target_neither_stops_nor_repeats_the_others() -> None:
    NotificationTargetFactory(name="down", url="json://down")
    NotificationTargetFactory(name="up", url="json://up")
    NotificationFactory(title="Hello")
    post = Post("json://down")

    result = deliver_notifications(NOW, send=post)

    row = Notification.objects.get()
    assert result.skipped[0].subject == "target:down"
    assert (row.delivered_at, row.delivered_to, row.attempts) == (None, ["up"], 1)
    assert "did not take" in row.last_error

    post.failing.clear()
    deliver_notifications(NOW + MINUTE, send=post)

    assert post.sent == [("json://up", "Hello"), ("json://down", "Hello")]
    row.refresh_from_db()
    assert row.delivered_at == NOW + MINUTE
    assert row.last_error == ""


def test_a_failing_target_is_asked_less_and_less_often() -> None:
    NotificationTargetFactory(url="json://down")
    NotificationFactory()
    for minute in range(60):
        deliver_notifications(NOW + minute * MINUTE, send=Post("json://down"))

    assert Notification.objects.get().attempts == 6  # after 0, 1, 3, 7, 15 and 31 minutes


def test_yesterdays_news_is_not_sent() -> None:
    NotificationTargetFactory()
    NotificationFactory(at=NOW - dt.timedelta(hours=25))
    NotificationFactory(at=NOW + MINUTE)
    post = Post()

    deliver_notifications(NOW, send=post)

    assert post.sent == []


def test_without_targets_messages_wait() -> None:
    NotificationFactory()

    result = deliver_notifications(NOW, send=Post())

    assert result.done == {"delivered": 0, "waiting": 1, "targets": 0}
    assert Notification.objects.get().attempts == 0


def test_an_unexpected_failure_shows_nothing_of_the_address() -> None:
    def send(url: Secret, notification: Notification) -> None:
        raise OSError(f"cannot connect to {url.reveal()}")

    NotificationTargetFactory(url="json://c4n4ry@host")
    NotificationFactory()

    result = deliver_notifications(NOW, send=send)

    assert result.skipped[0].reason == "Sending failed with OSError."
    assert "c4n4ry" not in Notification.objects.get().last_error
    assert not any("c4n4ry" in f"{row.message}{row.context}" for row in LogEntry.objects.all())


def test_an_address_is_kept_encrypted_and_bound_to_its_row() -> None:
    target, other = NotificationTargetFactory(url="json://c4n4ry"), NotificationTargetFactory()

    stored = NotificationTarget.objects.get(pk=target.pk)
    assert "c4n4ry" not in stored.encrypted_url
    assert stored.open_url().reveal() == "json://c4n4ry"
    other.encrypted_url = stored.encrypted_url
    with pytest.raises(OperatorActionRequired):
        other.open_url()


def test_apprise_refuses_an_address_it_does_not_know() -> None:
    with pytest.raises(TransientError, match="not one that Apprise knows"):
        send_with_apprise(Secret("nothing"), NotificationFactory())
