"""`/openapi.json`, and `/docs`: the same as one HTML page that loads nothing from anywhere."""

from collections.abc import Iterable
from html import escape
from typing import Any

import orjson
from aiohttp import web

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2024;--soft:#60646c;--line:#e0e1e6;--paper:#fff;--tint:#f6f7f9;
--get:#0b7a4b;--post:#1d5fd1;--delete:#c02b3c}
@media(prefers-color-scheme:dark){:root{--ink:#edeef0;--soft:#a9adb6;--line:#2f3238;--paper:#111315;--tint:#1a1d21;
--get:#4cc38a;--post:#7aa7ff;--delete:#ff8b94}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:54rem;margin:0 auto;padding:2.5rem 1.25rem 6rem}
h1{font-size:2rem;margin:0 0 .5rem}h2{margin:3rem 0 1rem;font-size:1.25rem;text-transform:capitalize}
h4{margin:1.25rem 0 .4rem;font-size:.8rem;text-transform:uppercase;letter-spacing:.05em;color:var(--soft)}
h3{margin:0;font-size:1rem}p{margin:.5rem 0}a{color:inherit}
details,section{border:1px solid var(--line);border-radius:.6rem;margin:.6rem 0;background:var(--tint)}
summary{display:flex;gap:.8rem;align-items:baseline;padding:.7rem 1rem;cursor:pointer;flex-wrap:wrap}
summary:focus-visible{outline:2px solid var(--post);outline-offset:2px;border-radius:.6rem}
section{padding:.7rem 1rem 1rem}section:target{border-color:var(--post)}
.inside{padding:0 1rem 1rem;border-top:1px solid var(--line)}
.method{font:600 .8rem ui-monospace,monospace;min-width:4rem}
.get{color:var(--get)}.post{color:var(--post)}.delete{color:var(--delete)}
code{font:.875em ui-monospace,monospace;overflow-wrap:anywhere}.soft{color:var(--soft)}
.open{font-size:.75rem;border:1px solid var(--line);border-radius:1rem;padding:0 .5rem;color:var(--soft)}
.scroll{overflow-x:auto}td code{overflow-wrap:normal}table{border-collapse:collapse;width:100%;font-size:.9rem}
th{text-align:left;font-weight:600;color:var(--soft)}
td,th{padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
"""


def mount_docs(app: web.Application, document: dict[str, Any], *, below: str = "") -> None:
    """Both are rendered once, here."""
    as_json, as_html = orjson.dumps(document), render(document, below=below).encode()

    async def serve_json(_: web.Request) -> web.StreamResponse:
        return web.Response(body=as_json, content_type="application/json")

    async def serve_html(_: web.Request) -> web.StreamResponse:
        headers = {"Content-Security-Policy": _POLICY}
        return web.Response(body=as_html, content_type="text/html", charset="utf-8", headers=headers)

    app.router.add_get(f"{below}/openapi.json", serve_json)
    app.router.add_get(f"{below}/docs", serve_html)


def render(document: dict[str, Any], *, below: str = "") -> str:
    """The page, from an OpenAPI document as `openapi` makes it."""
    info, schemas = document["info"], document["components"]["schemas"]
    by_tag: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = (operation["tags"] or ["other"])[0]
            by_tag.setdefault(tag, []).append(_operation(method, path, operation))
    sections = "".join(f"<h2>{escape(tag)}</h2>{''.join(items)}" for tag, items in by_tag.items())
    shapes = "".join(_shape(name, schema) for name, schema in sorted(schemas.items()))
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">
<title>{escape(info["title"])} REST reference</title><style>{_STYLE}</style></head><body><main>
<h1>{escape(info["title"])} REST reference</h1>{_paragraph(info["description"])}
<p class="soft">The same for programs: <a href="{below}/openapi.json">{below}/openapi.json</a></p>
{sections}<h2>Shapes</h2>{shapes}</main></body></html>"""


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    is_open = '<span class="open">no token</span>' if operation.get("security") == [] else ""
    return f"""<details id="{escape(operation["operationId"])}"><summary>
<span class="method {method}">{method.upper()}</span><code>{escape(path)}</code>
<span class="soft">{escape(operation["summary"])}</span>{is_open}</summary><div class="inside">
{_paragraph(operation.get("description", ""))}{_parameters(operation["parameters"])}
{_body(operation.get("requestBody"))}{_responses(operation["responses"])}</div></details>"""


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = [
        (f"<code>{escape(one['name'])}</code>", _type(one["schema"]), _notes({**one, **one["schema"]}))
        for one in parameters
    ]
    return _titled("Parameters", _table(("Name", "Type", ""), rows)) if rows else ""


def _body(body: dict[str, Any] | None) -> str:
    return "" if body is None else _titled("Body", f"<p>{_content(body)}</p>")


def _responses(responses: dict[str, Any]) -> str:
    rows = [(f"<code>{status}</code>", _content(one), _text(one["description"])) for status, one in responses.items()]
    return _titled("Answers", _table(("Status", "Shape", ""), rows))


def _content(one: dict[str, Any]) -> str:
    """What a body is made of; nothing where there is none."""
    return " or ".join(_type(media["schema"]) for media in one.get("content", {}).values())


def _shape(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (f"<code>{escape(field)}</code>", _type(one), _notes({**one, "required": field in required}))
        for field, one in _properties(schema).items()
    ]
    inside = _table(("Field", "Type", ""), rows) if rows else f"<p>{_type(schema)}</p>"
    return f"""<section id="shape-{escape(name)}"><h3><code>{escape(name)}</code></h3>
{_paragraph(schema.get("description", ""))}{inside}</section>"""


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = schema.get("properties", {})
    return properties


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[1])
        return f'<a href="#shape-{name}"><code>{name}</code></a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        shown = [f"<code>{escape(orjson.dumps(one).decode())}</code>" for one in schema["enum"][:_MOST_CHOICES]]
        return " or ".join(shown if len(schema["enum"]) <= _MOST_CHOICES else [*shown, "…"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if schema.get("type") == "object" and "additionalProperties" in schema:
        return f"object of {_type(schema['additionalProperties'])} by key"
    return f"<code>{escape(str(schema.get('format') or schema.get('type', 'any')))}</code>"


_MOST_CHOICES = 6
_BOUNDS = {"minimum": "≥", "maximum": "≤", "minLength": "length ≥", "maxLength": "length ≤", "minItems": "items ≥",
           "maxItems": "items ≤"}  # fmt: skip


def _notes(schema: dict[str, Any]) -> str:
    for branch in schema.get("anyOf", ()):
        schema = {**branch, **schema}
    notes = ["required"] if schema.get("required") else []
    if "format" not in schema:  # which says it all
        notes += [f"{words} {schema[bound]}" for bound, words in _BOUNDS.items() if bound in schema]
    if schema.get("default") is not None:
        notes.append(f"default {orjson.dumps(schema['default']).decode()}")
    described = _text(schema.get("description", ""))
    return " · ".join(part for part in (described, escape(", ".join(notes))) if part)


def _text(text: str) -> str:
    """Escaped, with `code` between backticks."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _paragraph(text: str) -> str:
    return "".join(f"<p>{_text(part)}</p>" for part in text.split("\n\n") if part.strip())


def _titled(title: str, content: str) -> str:
    return f"<h4>{title}</h4>{content}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    heads = "".join(f"<th>{name}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{heads}</tr>{lines}</table></div>'
