"""`manage.py open_portfolio`: a paper portfolio with money and one strategy."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from boz.core.clock import utc_now
from boz.core.errors import BozBaseException
from boz.core.money import format_dollars, to_decimal
from trading.choices import Mode
from trading.selectors import cash_dollars
from trading.services.portfolios import open_portfolio


class Command(BaseCommand):
    """Open a paper portfolio."""

    help = (
        "Opens a paper portfolio with money in it, the installation's default limits and the value"
        " strategy. It starts in manual mode: every trade waits for a person."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help="name of the portfolio")
        parser.add_argument("--owner", required=True, help="user who owns it")
        parser.add_argument("--deposit", required=True, help="paper dollars, e.g. 100.00")
        parser.add_argument(
            "--mode",
            choices=[mode.value for mode in Mode],
            default=Mode.MANUAL.value,
            help="who decides (default manual)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, **options: Any) -> None:
        """Open it and say what it holds."""
        owner = User.objects.filter(username=options["owner"]).first()
        if owner is None:
            raise CommandError(
                f"There is no user {options['owner']}; make one with createsuperuser."
            )
        try:
            portfolio = open_portfolio(
                name=options["name"],
                owner=owner,
                deposit_dollars=to_decimal(options["deposit"], name="--deposit"),
                now=utc_now(),
                mode=options["mode"],
            )
        except (BozBaseException, ValueError) as error:
            raise CommandError(str(error)) from error
        cash = cash_dollars(portfolio)
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    {
                        "id": portfolio.pk,
                        "name": portfolio.name,
                        "venue": portfolio.venue,
                        "mode": portfolio.mode,
                        "cash_dollars": str(cash),
                    }
                )
            )
        else:
            self.stdout.write(
                f"Opened {portfolio.name}: {format_dollars(cash)} on paper, {portfolio.mode} mode."
            )
