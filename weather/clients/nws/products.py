"""Text products: the issuances of a site, and one with its text."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class ProductList:
    """The issuances that can be read, newest first, and a sentence per entry that cannot."""

    references: tuple[ProductRef, ...]
    problems: tuple[str, ...] = ()


def read_product_list(body: Any, *, product_type: str, site: str) -> ProductList:
    """Return the issuances of a list.

    An entry stays listed for weeks, so one that cannot be read must not hold up the others.

    Raises:
        InvalidDataError: If there is no list, or none of its entries can be read.
    """
    items = body.get("@graph") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise InvalidDataError(
            f"{SOURCE} sent a list of {product_type} products without its entries.",
            {"source": SOURCE, "product_type": product_type, "site": site},
        )
    references: list[ProductRef] = []
    problems: list[InvalidDataError] = []
    for item in items:
        try:
            references.append(read(ProductRef, item, f"list of {product_type} products"))
        except InvalidDataError as error:
            problems.append(error)
    if problems and not references:
        raise problems[0]
    references.sort(key=lambda item: (item.issued_at, item.product_id), reverse=True)
    return ProductList(tuple(references), tuple(error.message for error in problems))
