"""The short way to the audit trail, for every app."""

from __future__ import annotations

from boz.core.services.audit import ChainBreak, record_audit, verify_audit_chain

__all__ = ["ChainBreak", "record_audit", "verify_audit_chain"]
