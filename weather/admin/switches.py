"""What the admin classes do when a person switches something on or off."""

from __future__ import annotations

from django.forms import ModelForm
from django.http import HttpRequest

from boz.core.audit import record_audit
from boz.core.clock import utc_now


def record_switch(request: HttpRequest, subject: str, form: ModelForm, *, is_active: bool) -> None:
    """Leave a trace in the audit trail when ``is_active`` was changed."""
    if "is_active" not in form.changed_data:
        return
    record_audit(
        actor=request.user.get_username(),
        action=f"{subject.partition(':')[0]}.switched",
        subject=subject,
        before={"is_active": not is_active},
        after={"is_active": is_active},
        reason="Changed in the admin.",
        now=utc_now(),
    )
