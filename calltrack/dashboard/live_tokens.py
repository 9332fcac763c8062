"""Short-lived signed tokens that let a browser listen to the calls of one company."""

from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer

from calltrack.kernel.errors import NotAllowed

LIFE_SECONDS = 600


def make_token(secret_key: str, company_id: UUID) -> str:
    """Return a token that opens the company's live stream for ten minutes."""
    return str(_signer(secret_key).dumps(company_id.hex))


def read_token(secret_key: str, token: str) -> UUID:
    """Return the company of a token; raises NotAllowed when it is forged, garbled or too old."""
    try:
        return UUID(_signer(secret_key).loads(token, max_age=LIFE_SECONDS))
    except (BadSignature, ValueError, AttributeError, TypeError):
        raise NotAllowed("This link is too old; open the live page again.") from None


def _signer(secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt="live-calls")
