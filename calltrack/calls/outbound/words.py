"""What is said on calls we begin."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The sentences of one language; those with a name or a code take it."""

    connect: str
    no_key: str
    caller_away: str
    score: str
    thanks: str
    not_understood: str
    code: str


ITALIAN = Words(
    connect="Richiamata di una chiamata persa. Prema 1 per parlare con il cliente.",
    no_key="Nessun tasto premuto. Arrivederci.",
    caller_away="Il cliente non risponde. Arrivederci.",
    score="Com'è andata l'ultima chiamata? Prema 1 se il cliente ha prenotato, 2 se è interessato, "
    "3 se non è un cliente.",
    thanks="Grazie, è registrato. Arrivederci.",
    not_understood="Tasto non valido.",
    code="Il suo codice è {code}. Ripeto: {code}.",
)
ENGLISH = Words(
    connect="Call-back of a missed call. Press 1 to speak to the customer.",
    no_key="No key was pressed. Goodbye.",
    caller_away="The customer does not answer. Goodbye.",
    score="How did your last call go? Press 1 if the customer booked, 2 if the customer is interested, "
    "3 if it was no customer.",
    thanks="Thank you, it is stored. Goodbye.",
    not_understood="This key has no meaning.",
    code="Your code is {code}. Again: {code}.",
)
GERMAN = Words(
    connect="Rückruf zu einem verpassten Anruf. Drücken Sie die 1, um mit dem Kunden zu sprechen.",
    no_key="Es wurde keine Taste gedrückt. Auf Wiederhören.",
    caller_away="Der Kunde nimmt nicht ab. Auf Wiederhören.",
    score="Wie lief das letzte Gespräch? Drücken Sie 1, wenn gebucht wurde, 2 bei Interesse, "
    "3, wenn es kein Kunde war.",
    thanks="Danke, es ist gespeichert. Auf Wiederhören.",
    not_understood="Diese Taste hat keine Bedeutung.",
    code="Ihr Code lautet {code}. Noch einmal: {code}.",
)
FRENCH = Words(
    connect="Rappel d'un appel manqué. Appuyez sur 1 pour parler au client.",
    no_key="Aucune touche n'a été appuyée. Au revoir.",
    caller_away="Le client ne répond pas. Au revoir.",
    score="Comment s'est passé votre dernier appel ? Appuyez sur 1 si le client a réservé, "
    "sur 2 s'il est intéressé, sur 3 si ce n'était pas un client.",
    thanks="Merci, c'est enregistré. Au revoir.",
    not_understood="Cette touche n'a pas de fonction.",
    code="Votre code est {code}. Je répète : {code}.",
)
SPANISH = Words(
    connect="Devolución de una llamada perdida. Pulse 1 para hablar con el cliente.",
    no_key="No se ha pulsado ninguna tecla. Adiós.",
    caller_away="El cliente no contesta. Adiós.",
    score="¿Cómo fue su última llamada? Pulse 1 si el cliente ha reservado, 2 si está interesado, "
    "3 si no era un cliente.",
    thanks="Gracias, ha quedado guardado. Adiós.",
    not_understood="Esta tecla no tiene ninguna función.",
    code="Su código es {code}. Repito: {code}.",
)
LANGUAGES = {"it": ITALIAN, "en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH}


def words_of(language: str) -> Words:
    """Return the sentences for a language tag such as it-IT; English where there are no others."""
    return LANGUAGES.get(language.partition("-")[0].lower(), ENGLISH)
