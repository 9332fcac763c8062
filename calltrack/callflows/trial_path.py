"""One way through a trial: the keys the caller presses and whether somebody answers choose the branches."""

from dataclasses import dataclass

from calltrack.callflows.trial import Branch, Trial

PRESSES, NO_KEY, NOBODY, TALKED = (
    "The caller presses ", "The caller presses no key", "Nobody takes the call", "They talk"
)  # fmt: skip


@dataclass(frozen=True)
class Path:
    """The branches one after the other. `unused`: keys nobody asked for; `is_answered`: it ends in a talk."""

    branches: tuple[Branch, ...]
    unused: str
    is_answered: bool

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps the call comes through, with the keys pressed (`menu=1`)."""
        return tuple(step for branch in self.branches for step in branch.steps)


def follow(trial: Trial, keys: str, *, answered: bool) -> Path:
    """Return the way of a caller who presses these keys, one each time a key is asked for."""
    found, left = [trial.first], keys
    while True:
        following, left = _next(found[-1], left, answered=answered)
        if following is None:
            return Path(tuple(found), left, answered and _rings(found[-1]))
        found.append(following)


def _next(branch: Branch, keys: str, *, answered: bool) -> tuple[Branch | None, str]:
    asked = [one for one in branch.then if one.when.startswith(PRESSES)]
    pressed = next((one for one in asked if keys and _is_key(one, keys[0])), None)
    if pressed is not None:
        return pressed, keys[1:]
    otherwise = next((one for one in asked if one.when.startswith(NO_KEY)), None)
    if otherwise is not None:
        return otherwise, keys[1:]
    wanted = TALKED if answered else NOBODY
    return next((one for one in branch.then if one.when.startswith(wanted)), None), keys


def _is_key(branch: Branch, key: str) -> bool:
    return branch.when == f"{PRESSES}{key}" or branch.when.startswith(f"{PRESSES}{key} (")


def _rings(branch: Branch) -> bool:
    return any(line.to == "business" for line in branch.told)
