"""What all pages for people share: their language, their frame, and what a browser may load for them."""

from __future__ import annotations

from flask import Response, render_template, request

from loyalty.programs.ladder import Text
from loyalty.programs.program import LANGUAGES
from loyalty.programs.words import say

LANGUAGE_NAMES = dict(zip(LANGUAGES, ("繁體中文", "简体中文", "English"), strict=True))
FRAME = {
    "skip": say("跳到主要內容", "跳到主要内容", "Skip to the content"),
    "languages": say("語言", "语言", "Language"),
}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
SIMPLIFIED = frozenset({"hans", "cn", "sg", "my"})


def chosen_language() -> str:
    """Return the language for this request: of `?language=`, else as the browser prefers, else Traditional Chinese."""
    asked = request.args.get("language", "")
    if asked in LANGUAGES:
        return asked
    preferred = (_written(tag) for tag, quality in request.accept_languages if quality > 0)
    return next((language for language in preferred if language), LANGUAGES[0])


def _written(tag: str) -> str | None:
    """Return our language that fits a tag of a browser: what one writes in Hong Kong is Traditional Chinese."""
    language, *parts = tag.lower().replace("_", "-").split("-")
    if language == "zh":
        return "zh-CN" if SIMPLIFIED & set(parts) and "hant" not in parts else "zh-TW"
    return "en" if language == "en" else None


def in_language(texts: dict[str, Text], language: str) -> dict[str, str]:
    """Return named texts in one language."""
    return {name: text[language] for name, text in texts.items()}


def page(template: str, language: str, status: int = 200, **parts: object) -> Response:
    """Return a page made from a template with its parts; nothing but our own style sheet and icon may be loaded."""
    html = render_template(
        template, language=language, languages=LANGUAGE_NAMES, frame=in_language(FRAME, language), **parts
    )
    response = Response(html, status=status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Content-Language"] = language
    response.vary.add("Accept-Language")
    return response
