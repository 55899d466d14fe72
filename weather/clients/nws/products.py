"""Text products: the issuances of a site, and one with its text."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from boz.core.errors import InvalidDataError
from weather.clients.nws.shapes import SOURCE, Moment, Outside, read


class ProductRef(Outside):
    """One issuance in a list of products."""

    product_id: str = Field(alias="id", min_length=1, max_length=80, pattern=r"^[\w.-]+$")
    issued_at: Moment = Field(alias="issuanceTime")
    product_code: str = Field(default="", alias="productCode")


class Product(ProductRef):
    """An issuance with its text."""

    text: str = Field(alias="productText", min_length=1)


def read_product_list(body: Any, *, product_type: str, site: str) -> list[ProductRef]:
    """Return the issuances of a list, newest first.

    Raises:
        InvalidDataError: If there is no list, or an item that cannot be read: it might be the
            newest.
    """
    items = body.get("@graph") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise InvalidDataError(
            f"{SOURCE} sent a list of {product_type} products without its entries.",
            {"source": SOURCE, "product_type": product_type, "site": site},
        )
    references = [read(ProductRef, item, f"list of {product_type} products") for item in items]
    return sorted(references, key=lambda item: (item.issued_at, item.product_id), reverse=True)
