"""The refusals of the sandbox shop, worded as WooCommerce words them."""

from __future__ import annotations

from typing import Any


class RestError(Exception):
    """The shop answers with a status and its error object."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        super().__init__(code)
        self.status = status
        self.body: dict[str, Any] = {"code": code, "message": message, "data": {"status": status, **data}}


class FatalError(RestError):
    """A program ended in the middle of the call: nothing of its answer is left, in a batch neither of what was done.

    WordPress says so by a 500 (wp-includes/class-wp-fatal-error-handler.php).
    """

    def __init__(self) -> None:
        message = "<p>There has been a critical error on this website.</p>"
        super().__init__(500, "internal_server_error", message)


def no_route() -> RestError:
    """Return the refusal of an unknown path."""
    return RestError(404, "rest_no_route", "No route was found matching the URL and request method.")


def invalid_id(kind: str, status: int = 404) -> RestError:
    """Return the refusal of an id that names no post of this kind."""
    return RestError(status, f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.")


def not_in_enum(name: str, allowed: tuple[str, ...]) -> RestError:
    """Return the refusal of a value outside its list (rest error-order-invalid-status)."""
    words = f"{', '.join(allowed[:-1])}, and {allowed[-1]}"
    return invalid_param(name, f"{name} is not one of {words}.", "rest_not_in_enum")


def invalid_param(name: str, message: str, code: str) -> RestError:
    """Return the refusal of one parameter."""
    details = {name: {"code": code, "message": message, "data": None}}
    title = f"Invalid parameter(s): {name}"
    return RestError(400, "rest_invalid_param", title, params={name: message}, details=details)


def no_trash(kind: str) -> RestError:
    """Return the refusal to delete without force (rest customers-delete-no-force)."""
    return RestError(501, "woocommerce_rest_trash_not_supported", f"{kind} do not support trashing.")
