"""`manage.py review_trade`: approve or reject a waiting trade at the prompt."""

from __future__ import annotations

import datetime as dt
import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from boz.core.clock import parse_utc, utc_now
from boz.core.errors import BozBaseException
from trading.models import Trade
from trading.services.approvals import approve_trade, reject_trade


class Command(BaseCommand):
    """Approve or reject a waiting trade."""

    help = (
        "Approves or rejects a waiting trade, like the admin and the API do: everything is checked"
        " again at the moment of the word. --as-of says another moment, for a world with a clock of"
        " its own such as manage.py sandbox."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("trade", type=int, help="number of the trade")
        parser.add_argument("verdict", choices=("approve", "reject"))
        parser.add_argument("--user", required=True, help="whose word it is")
        parser.add_argument("--reason", default="", help="why it is rejected")
        parser.add_argument("--as-of", help="moment such as 2024-11-14T03:00:00Z (default now)")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, **options: Any) -> None:
        """Give the verdict and say what became of the trade."""
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        try:
            trade = self._verdict(options, user)
        except (BozBaseException, ValueError) as error:
            raise CommandError(str(error)) from error
        except Trade.DoesNotExist as error:
            raise CommandError(f"There is no trade {options['trade']}.") from error
        if options["json"]:
            state = {"trade": trade.pk, "status": trade.status, "reason": trade.status_reason}
            self.stdout.write(json.dumps(state))
        else:
            self.stdout.write(f"Trade {trade.pk}: {trade.get_status_display()}.")

    def _verdict(self, options: dict[str, Any], user: User) -> Trade:
        now: dt.datetime = parse_utc(options["as_of"]) if options["as_of"] else utc_now()
        if options["verdict"] == "approve":
            return approve_trade(trade_id=options["trade"], user=user, now=now)
        return reject_trade(trade_id=options["trade"], user=user, now=now, reason=options["reason"])
