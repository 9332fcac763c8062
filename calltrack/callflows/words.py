"""What callers hear from us by default, and what a business is told before it is joined."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The sentences of one language; the last ones take a key."""

    missed: str
    leave_message: str
    recording_notice: str
    is_recorded: str
    not_recorded: str
    unknown_number: str
    opt_out: str
    press_to_accept: str


ITALIAN = Words(
    missed="Al momento non possiamo rispondere. La preghiamo di richiamare più tardi. Grazie.",
    leave_message="Al momento non possiamo rispondere. Lasci un messaggio dopo il segnale acustico.",
    recording_notice="La informiamo che la chiamata può essere registrata.",
    is_recorded="La chiamata viene registrata.",
    not_recorded="La chiamata non sarà registrata.",
    unknown_number="Il numero chiamato non è attivo. La preghiamo di verificare il numero. Grazie.",
    opt_out="Se non desidera essere registrato, prema {key}.",
    press_to_accept="Prema {key} per rispondere.",
)
ENGLISH = Words(
    missed="We cannot take your call at the moment. Please call again later. Thank you.",
    leave_message="We cannot take your call at the moment. Please leave a message after the tone.",
    recording_notice="Please note that this call may be recorded.",
    is_recorded="This call is recorded.",
    not_recorded="This call will not be recorded.",
    unknown_number="The number you have called is not in service. Please check the number. Thank you.",
    opt_out="If you do not want to be recorded, press {key}.",
    press_to_accept="Press {key} to take the call.",
)
GERMAN = Words(
    missed="Im Moment können wir Ihren Anruf nicht annehmen. Bitte rufen Sie später wieder an. Vielen Dank.",
    leave_message="Im Moment können wir Ihren Anruf nicht annehmen. Bitte sprechen Sie nach dem Signalton.",
    recording_notice="Bitte beachten Sie, dass dieses Gespräch aufgezeichnet werden kann.",
    is_recorded="Dieses Gespräch wird aufgezeichnet.",
    not_recorded="Dieses Gespräch wird nicht aufgezeichnet.",
    unknown_number="Die gewählte Nummer ist nicht vergeben. Bitte prüfen Sie die Nummer. Vielen Dank.",
    opt_out="Wenn Sie keine Aufzeichnung wünschen, drücken Sie {key}.",
    press_to_accept="Drücken Sie {key}, um den Anruf anzunehmen.",
)
FRENCH = Words(
    missed="Nous ne pouvons pas prendre votre appel pour le moment. Veuillez rappeler plus tard. Merci.",
    leave_message="Nous ne pouvons pas prendre votre appel pour le moment. "
    "Veuillez laisser un message après le bip.",
    recording_notice="Nous vous informons que cet appel peut être enregistré.",
    is_recorded="Cet appel est enregistré.",
    not_recorded="Cet appel ne sera pas enregistré.",
    unknown_number="Le numéro que vous avez composé n'est pas en service. Veuillez le vérifier. Merci.",
    opt_out="Si vous ne souhaitez pas être enregistré, appuyez sur {key}.",
    press_to_accept="Appuyez sur {key} pour prendre l'appel.",
)
SPANISH = Words(
    missed="En este momento no podemos atender su llamada. Por favor, vuelva a llamar más tarde. Gracias.",
    leave_message="En este momento no podemos atender su llamada. "
    "Por favor, deje un mensaje después de la señal.",
    recording_notice="Le informamos de que esta llamada puede ser grabada.",
    is_recorded="Esta llamada se está grabando.",
    not_recorded="Esta llamada no se grabará.",
    unknown_number="El número al que ha llamado no está en servicio. Por favor, compruébelo. Gracias.",
    opt_out="Si no desea que se grabe la llamada, pulse {key}.",
    press_to_accept="Pulse {key} para atender la llamada.",
)
LANGUAGES = {"it": ITALIAN, "en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH}
KEY_NAMES = {
    "it": {"*": "asterisco", "#": "cancelletto"},
    "en": {"*": "star", "#": "hash"},
    "de": {"*": "Stern", "#": "Raute"},
    "fr": {"*": "étoile", "#": "dièse"},
    "es": {"*": "asterisco", "#": "almohadilla"},
}


def words_for(language: str) -> Words:
    """Return the sentences for a language tag such as it-IT; English where there are no others."""
    return LANGUAGES.get(_primary(language), ENGLISH)


def spoken_key(language: str, key: str) -> str:
    """Return how a key is called."""
    names = KEY_NAMES.get(_primary(language), KEY_NAMES["en"])
    return names.get(key, key)


def _primary(language: str) -> str:
    return language.partition("-")[0].lower()
