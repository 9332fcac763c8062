"""Settings, hashes and a stage with twins for the tests of Meta and Microsoft.

Every hash was made with `printf '%s' TEXT | sha256sum`, independent of our code.
"""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from calltrack.destinations.base import Destination
from calltrack.destinations.meta_settings import MetaSettings
from calltrack.destinations.microsoft_settings import MicrosoftSettings
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.destinations.sending import Attempt, Courier
from calltrack.infra.http import HttpDoor
from tests.plain import PLAIN

HASHES: Final = {
    "390669940001": "892c1257e5ac9132727c5d7f27d3f9da72a7acfc2bbe948bd4c0f39f2e3a5445",
    "393471234521": "84d33d2d939a60d1fe77d60e3046dafb827791f6b607a37e438ba9faa033351f",
    "4930123456": "ac75546db905289f50bd750fd5648fec0719074ce391521b2372abeae9110668",
    "491711234567": "7e25b7844dc82e53d76a507d7f6130832c805e097c1e038793c36ce22c358132",
    "16505551212": "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
    "442079460000": "38e62b3e091778f9214de3aa00ae498aa4b78433d73dec5977eb2ec1c8be4a69",
    "+390669940001": "77e625149d4cddcfac0deca3151f7188f76e5fdc30302e24d2087a18bdd5dd44",
    "+393471234521": "93687d880c464c14cea5f894ba61f32cb344b4fc4a8b22e65bb5ac7637a1cf5c",
    "+16505551212": "1e231c66011e7a2d867a9cfae267a6aff103cf4913640b6e71a99850fc0ffbc8",
    "+4930123456": "a909469fabf3f43d0b7b6c42a85a6e7e8ceb36c7a2f0f1b9c15b80dc16384cb7",
    "+442079460000": "543f9cda443b9c55ebcf8ab34b586f9dc34948776b73de02393c41d5f8edc356",
    "anna.rossi@example.it": "35968d1150796b2b64ba9bce513749d507646b849a41f5848d09c1ab78ae918e",
    "annarossi@example.it": "e1aa12a9623bf091445d08a74139512db2404b538d28987a9b16407b37b19c91",
    "jane.doe+shop@gmail.com": "12122421314e3c02d8acd5467f1266e839588a1ea2e4da1c2ab81036b7cd62e5",
    "janedoe@gmail.com": "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69",
    "john_smith@gmail.com": "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
    "max@exämple.de": "fbf53af78bba4f0c368f280118fcb3d1467c1a351e95657844e9a3402f4423af",
    "mary": "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec",
    "valéry": "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c",
    "정": "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14",
    "anna": "55579b557896d0ce1764c47fed644f9b35f58bad620674af23f356d80ed0c503",
    "anna maria": "dfa29cee752c3d2bb1a935e9ea1a3d474b5634a9086fd5cc66be4178dffa865f",
    "dangelo": "82f86db06baeb9b2c728c5127035da8c1d5e2cad7193eb80bf0beb2476d6f34a",
    "müller": "2dbd218072117713f2d5996a726a9b216ed791ffd0783b6ba4ab6d61b8333192",
    "von der leyen": "91dae5f677a9ae608ffda07c48e810aa111102f600734701a4f22cac73d0b871",
    "rossi": "30cc6dd8ef8458e679e13ae3bf3f634cace9810e2eea03bb6487904595f41056",
    "roma": "b0c27fca74fa91934900c9ffcb3dcca5b807a3c059a3b516cdd0788807b5ff49",
    "reggionellemilia": "1d0c6c969854277659f8d8de7d4f941aa9e8f218ca8ccf2d13a020d3137e1d52",
    "münchen": "f75c175f552c8b2bf46ef4b282ee782c81cf8687f66a8fe8278cc56fa727503e",
    "frankfurtoder": "144a95544284abd0ad00bd84a4e9d66a1b05fa1a16739daf9e66182743d80037",
    "newyork": "350c754ba4d38897693aa077ef43072a859d23f613443133fecbbd90a3512ca5",
    "00187": "8e65fcb0391df2c6dbbb2cf42cf71998be4342dfc5ed48123f0120f58d9b1f25",
    "80331": "55eb98af205c9d17e3569de62916a94b7944672c772f526e6e4c957c0b8d5eeb",
    "94103": "91dc2519ea98c5002cf2091e6a12b772eafdce9dca618e626d7d3b8275361789",
    "m11ae": "1dc694c2070e697769fb959b50671d76cafd430d8ca191fbdd0affcaea344ac5",
    "00950": "157c5bb53cacd69115a429c3a9257890995f3410caf57a12e1959f70c7b3fbec",
    "it": "2ad8a7049d7c5511ac254f5f51fe70a046ebd884729056f0fe57f5160d467153",
    "de": "959a45d44e6fcf58361ed004681556fe50129f2109e817dec098c00c9e5d2578",
    "us": "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621",
    "gb": "0b407281768f0e833afef47ed464b6571d01ca4d53c12ce5c51d1462f4ad6677",
    "pl": "3485639faf1591f3c16f295198e9389db5b33c949587ec48663597d4e00299d5",
    "0193a5e0-7c3c-7c70-b7c1-f1d2a3b4c5d6": (
        "4d077a2ec459ef0eb1b57000ccdef36a7b294969577e219dfee4a2b29b38ea17"
    ),
}  # fmt: skip


def meta(**more: Any) -> MetaSettings:
    """A dataset that counts leads as Lead and purchases as Purchase."""
    given: dict[str, Any] = {"dataset_id": "1200300400500600", "access_token": "EAAG-secret-token"}
    return MetaSettings.load(given | more, sandbox=True)


def microsoft(**more: Any) -> MicrosoftSettings:
    """An account with a goal for leads and one for purchases."""
    given: dict[str, Any] = {
        "account_id": "151000001",
        "customer_id": "252000002",
        "lead_goal_name": "Phone lead",
        "purchase_goal_name": "Phone purchase",
        "developer_token": "DEVTOKEN",
        "client_id": "client",
        "client_secret": "client~secret",
        "refresh_token": "refresh.token",
    }
    return MicrosoftSettings.load(given | more, sandbox=True)


class Stage:
    """Running twins, a courier, and a destination that is connected to its twin."""

    def __init__(self, origin: str, destination: Destination[Any], settings: dict[str, str]) -> None:
        self.origin, self.destination = origin, destination
        self.given = settings
        self.settings: Any = destination.Settings.load(settings, sandbox=True)
        self.door = HttpDoor(allow_private=True, total_seconds=3)
        self.courier = Courier(self.door)
        self.now = datetime.now(UTC)
        self.shift = timedelta(0)

    def clock(self) -> datetime:
        """The clock of the twins."""
        return datetime.now(UTC) + self.shift

    def with_settings(self, **more: str) -> Any:
        return self.destination.Settings.load(self.given | more, sandbox=True)

    def faults(self, *steps: str, target: str = "") -> None:
        wish = {"target": target or self.destination.name, "next": list(steps)}
        PLAIN.post(f"{self.origin}/sandbox/platforms/faults", json=wish).raise_for_status()

    def told(self) -> dict[str, Any]:
        """What the twins have: effects of this platform, and counts."""
        url = f"{self.origin}/sandbox/platforms/effects?platform={self.destination.name}"
        found: dict[str, Any] = PLAIN.get(url).json()
        return found

    def effects(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.told()["effects"]
        return found

    def deliver(self, payloads: Sequence[bytes], settings: Any = None) -> Attempt:
        return self.courier.deliver(self.destination, settings or self.settings, payloads, self.now)

    def carry(self, payloads: Sequence[bytes]) -> tuple[dict[bytes, Outcome], int]:
        """Send as the ledger does: in full requests, refused ones without the named rows or in halves."""
        size, waiting = self.destination.max_batch, deque[list[bytes]]()
        waiting.extend(list(payloads[at : at + size]) for at in range(0, len(payloads), size))
        settled: dict[bytes, Outcome] = {}
        requests = 0
        while waiting:
            group = waiting.popleft()
            outcomes = self.deliver(group).outcomes
            requests += 1
            again = []
            for payload, outcome in zip(group, outcomes, strict=True):
                if outcome.class_ in (Class.AGAIN, Class.SPLIT):
                    again.append(payload)
                else:
                    settled[payload] = outcome
            middle = len(again) if len(again) < len(group) else len(again) // 2
            waiting.extendleft(half for half in (again[middle:], again[:middle]) if half)
        return settled, requests


def classes(attempt: Attempt) -> list[Class]:
    return [outcome.class_ for outcome in attempt.outcomes]
