"""A person with a browser but no screen: opens pages over HTTP, fills in the forms that stand there."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx


@dataclass
class Form:
    """A form as a browser would send it untouched."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, dict[str, str]] = field(default_factory=dict)


class _Reader(HTMLParser):
    """Collects the forms of a page with what their fields hold."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select = self._option = self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(has.get("action", ""))
            self.forms.append(self._open)
        if self._open is None:
            return
        name, fields = has.get("name", ""), self._open.fields
        if tag == "input" and name and (has.get("type") != "checkbox" or "checked" in has):
            fields[name] = has.get("value", "on")
        elif tag == "select":
            self._select = name
            self._open.choices[name] = {}
        elif tag == "option" and self._select:
            self._option = has.get("value", "")
            if "selected" in has or self._select not in fields:
                fields[self._select] = self._option
        elif tag == "textarea":
            self._area = name
            fields[name] = ""

    def handle_data(self, data: str) -> None:
        if self._open and self._area:
            self._open.fields[self._area] += data
        elif self._open and self._select and self._option:
            self._open.choices[self._select][data] = self._option

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag in ("select", "textarea"):
            self._select = self._area = ""
        elif tag == "option":
            self._option = ""


class Visitor:
    """Somebody who only knows what stands on pages."""

    def __init__(self, origin: str) -> None:
        self.http = httpx.Client(base_url=origin, follow_redirects=True, timeout=20)
        self.page = self.path = ""

    def open(self, path: str) -> str:
        """Open a page and return its text; it must be there."""
        return self._seen(self.http.get(path))

    def fill(self, action: str, **typed: str) -> str:
        """Fill in the form of the open page that is sent to an address with this end, and send it."""
        reader = _Reader()
        reader.feed(self.page)
        (form,) = [form for form in reader.forms if form.action.endswith(action)]
        unknown = set(typed) - set(form.fields)
        assert not unknown, f"{action} has no field {unknown}"
        return self._seen(self.http.post(form.action, data=form.fields | typed))

    def _seen(self, answer: httpx.Response) -> str:
        assert answer.status_code == 200, (str(answer.url), answer.status_code, answer.text[-1500:])
        self.page, self.path = answer.text, answer.url.path
        return self.page
