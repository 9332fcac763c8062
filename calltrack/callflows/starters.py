"""Flows to start from: the usual ways of answering a telephone. Each can be published as it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from calltrack.callflows.editing import WEEK


@dataclass(frozen=True)
class Starter:
    """A flow to start from, with what it is good for."""

    name: str
    what: str
    build: Callable[[str], dict[str, Any]]


TEXTS: Final[dict[str, dict[str, str]]] = {
    "it": {
        "closed": "Al momento siamo chiusi. Lasci un messaggio e la richiamiamo.",
        "menu": "Per un preventivo prema 1. Per un ordine in corso prema 2.",
        "quote": "Preventivi", "order": "Ordini in corso",
    },
    "de": {
        "closed": "Wir haben zurzeit geschlossen. Bitte hinterlassen Sie eine Nachricht, wir rufen zurück.",
        "menu": "Für ein Angebot drücken Sie 1. Zu einem laufenden Auftrag drücken Sie 2.",
        "quote": "Angebote", "order": "Laufende Aufträge",
    },
    "en": {
        "closed": "We are closed at the moment. Please leave a message and we will call you back.",
        "menu": "For a quote press 1. For a running order press 2.",
        "quote": "Quotes", "order": "Running orders",
    },
    "fr": {
        "closed": "Nous sommes fermés pour le moment. Laissez un message et nous vous rappellerons.",
        "menu": "Pour un devis, appuyez sur 1. Pour une commande en cours, appuyez sur 2.",
        "quote": "Devis", "order": "Commandes en cours",
    },
    "es": {
        "closed": "En este momento estamos cerrados. Deje un mensaje y le devolveremos la llamada.",
        "menu": "Para un presupuesto, pulse 1. Para un pedido en curso, pulse 2.",
        "quote": "Presupuestos", "order": "Pedidos en curso",
    },
}  # fmt: skip
HOMES: Final = {
    "it": ("+3906", "Roma"), "de": ("+4930", "Berlin"), "fr": ("+331", "Paris"), "es": ("+3491", "Madrid"),
}  # fmt: skip
OWN_LINE: Final = [{"own_line": True}]


def _texts(language: str) -> dict[str, str]:
    return TEXTS.get(language[:2], TEXTS["en"])


def _flow(language: str, start: str, **steps: dict[str, Any]) -> dict[str, Any]:
    return {"start": start, "language": language, "steps": steps}


def _ring_all(language: str) -> dict[str, Any]:
    return _flow(
        language, "phones",
        phones={"kind": "ring", "targets": OWN_LINE, "no_answer": "message"},
        message={"kind": "voicemail"},
    )  # fmt: skip


def _hours_and_menu(language: str) -> dict[str, Any]:
    texts = _texts(language)
    options = {"1": {"to": "sales", "label": texts["quote"]}, "2": {"to": "office", "label": texts["order"]}}
    return _flow(
        language, "hours",
        hours={"kind": "hours", "hours": {"weekly": WEEK}, "open": "menu", "closed": "message"},
        menu={"kind": "menu", "message": {"text": texts["menu"]}, "options": options, "otherwise": "sales"},
        sales={"kind": "ring", "targets": OWN_LINE, "no_answer": "message"},
        office={"kind": "ring", "targets": OWN_LINE, "no_answer": "message"},
        message={"kind": "voicemail", "message": {"text": texts["closed"]}},
    )  # fmt: skip


def _by_region(language: str) -> dict[str, Any]:
    home = HOMES.get(language[:2], ("+4420", "London"))
    branches = [{"prefixes": [home[0]], "label": home[1], "to": "local"}]
    return _flow(
        language, "region",
        region={"kind": "by_caller", "branches": branches, "withheld": "everybody", "otherwise": "everybody"},
        local={"kind": "ring", "targets": OWN_LINE, "no_answer": "message"},
        everybody={"kind": "ring", "targets": OWN_LINE, "no_answer": "message"},
        message={"kind": "voicemail"},
    )  # fmt: skip


def _in_order(language: str) -> dict[str, Any]:
    return _flow(
        language, "phones",
        phones={
            "kind": "ring", "targets": OWN_LINE, "how": "in_order", "screening": True, "no_answer": "message"
        },
        message={"kind": "voicemail"},
    )  # fmt: skip


STARTERS: Final = {
    "ring-all": Starter(
        "Ring all, then voicemail",
        "All phones ring at once. When nobody takes the call, the caller may leave a message.",
        _ring_all,
    ),
    "hours-menu": Starter(
        "Opening hours and menu",
        "While you are open, callers choose with a key whom they want. Otherwise they leave a message.",
        _hours_and_menu,
    ),
    "by-region": Starter(
        "By region",
        "Callers from one area ring one branch, all others another.",
        _by_region,
    ),
    "in-order": Starter(
        "One after the other, with screening",
        "Phones ring in your order. Whoever answers presses 1, so no mailbox takes a call.",
        _in_order,
    ),
}
