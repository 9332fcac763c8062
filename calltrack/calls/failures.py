"""Why a phone was not reached, and what the network thinks of a caller's number, in plain words."""

SIP_WORDS = {
    400: "the network did not understand the call",
    401: "the phone system asked for a password",
    403: "the network refused the call",
    404: "this number does not exist",
    408: "the phone system did not answer in time",
    410: "this number is not in use any more",
    480: "the phone is switched off or has no reception",
    484: "the number is incomplete",
    486: "the line was busy",
    487: "the ringing was ended",
    488: "the phone system speaks no common codec",
    500: "the phone system had a fault",
    503: "the network was overloaded or the line is cut",
    504: "the network did not answer in time",
    600: "every phone was busy",
    603: "the call was declined",
    604: "this number does not exist anywhere",
    607: "the business marks this caller as unwanted",
    608: "a spam filter refused the call",
}
HUNG_UP = {"caller": "The caller hung up.", "business": "The business hung up."}


def reason_of(sip_code: int | None) -> str:
    """Return why a phone was not reached; empty where nobody told."""
    if sip_code is None or sip_code == 200:
        return ""
    return f"{SIP_WORDS.get(sip_code, 'the network gave a reason')} (SIP {sip_code})"


def verdict_of(stir: str) -> str:
    """Return the network's verdict on the caller's number (STIR/SHAKEN); empty where it gave none."""
    word = stir.removesuffix("-Diverted")
    if word.startswith("TN-Validation-Passed"):
        sure = {
            "A": "the caller's network vouches for caller and number",
            "B": "the caller's network knows the caller, but not the right to this number",
            "C": "the call only passed through the network that signed it",
        }
        return f"Signed by the network: {sure.get(word[-1], 'the signature holds')}."
    if word.startswith("TN-Validation-Failed"):
        return "The network's signature does not hold: the number may be forged."
    return "The network did not sign the caller's number." if word == "No-TN-Validation" else ""
