"""The products of the sandbox shop, as far as loyalty reads them (rest/products-put)."""

from __future__ import annotations

from connectors.woocommerce.sandbox.errors import invalid_id, not_in_enum
from connectors.woocommerce.sandbox.query import Reply, Request, ids_in, is_true, links_of, page_of
from connectors.woocommerce.sandbox.state import Json, State
from connectors.woocommerce.sandbox.webhooks import emit

CORE_TYPES = frozenset({"simple", "grouped", "external", "variable"})
PLAIN = ("name", "sku", "description", "short_description", "type", "parent_id", "categories", "tags")


def create(state: State, request: Request) -> Reply:
    """Make a product; one with a `parent_id` is a variation."""
    product: Json = {
        "id": state.new_post_id(),
        "name": "Product",
        "sku": "",
        "type": "simple",
        "parent_id": 0,
    }
    product |= {"description": "", "short_description": "", "categories": [], "tags": [], "meta_data": []}
    product |= {"regular_price": "", "sale_price": "", "status": "publish"}
    _apply(product, request.body)
    state.stamp(product, "date_created")
    state.stamp(product, "date_modified")
    state.products[product["id"]] = product
    emit(state, "product.created", product["id"])
    return Reply(201, render(request, product))


def render(request: Request, product: Json) -> Json:
    """Return a product as the REST API states it, without the keys of stock, weight and pictures."""
    slug = str(product["name"]).lower().replace(" ", "-")
    shown = {**product, "slug": slug, "permalink": f"{request.base}/product/{slug}/"}
    return {**shown, "_links": links_of(request, "products", product["id"])}


def list_(state: State, request: Request) -> Reply:
    """List the products; variations stand with their parent. A type that no plugin registers is refused."""
    include = ids_in(request.query, "include")
    wanted = request.query.get("type")
    types = CORE_TYPES | {str(each["type"]) for each in state.products.values()}
    if wanted is not None and wanted not in types:
        raise not_in_enum("type", tuple(sorted(types)))
    rows = [
        render(request, each)
        for each in state.products.values()
        if not each["parent_id"]
        and ("include" not in request.query or each["id"] in include)
        and wanted in (None, each["type"])
    ]
    for each in rows:
        state.touch("products", each["id"])
    return page_of(request, rows)


def get(state: State, request: Request, number: int) -> Reply:
    """Return one product."""
    return Reply(200, render(request, _find(state, number)))


def update(state: State, request: Request, number: int) -> Reply:
    """Change a product; a variation fires product.updated with its own id."""
    product = _find(state, number)
    _apply(product, request.body)
    state.stamp(product, "date_modified")
    emit(state, "product.updated", number)
    return Reply(200, render(request, product))


def delete(state: State, request: Request, number: int) -> Reply:
    """Remove a product; the trash leaks coupon.deleted with its id (woocommerce#12461), force sends nothing."""
    product = _find(state, number)
    del state.products[number]
    if not is_true(request.query.get("force")):
        emit(state, "product.deleted", number)
        emit(state, "coupon.deleted", number)
    return Reply(200, render(request, product))


def _apply(product: Json, body: Json) -> None:
    product |= {key: body[key] for key in PLAIN if key in body}
    product |= {key: str(body[key]) for key in ("regular_price", "sale_price") if key in body}
    product["price"] = product["sale_price"] or product["regular_price"]
    product["on_sale"] = bool(product["sale_price"])


def _find(state: State, number: int) -> Json:
    if number not in state.products:
        raise invalid_id("product")
    return state.products[number]
