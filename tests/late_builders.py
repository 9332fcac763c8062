"""Address builders made when an address is built: werkzeug compiles two for each route of each app.

Most tests make an app of their own and build few addresses; compiling took most of what an app costs.
"""

from collections.abc import Callable

from werkzeug.routing import Rule

Build = Callable[..., tuple[str, str]]


def build_late() -> None:
    """Let routes compile their builders at the first use; they build the same addresses."""
    compile_now = Rule._compile_builder

    def compile_late(rule: Rule, append_unknown: bool = True) -> Build:
        made: list[Build] = []

        def build(self: Rule, /, **values: object) -> tuple[str, str]:
            if not made:
                made.append(compile_now(rule, append_unknown))
            return made[0](self, **values)

        return build

    Rule._compile_builder = compile_late  # type: ignore[method-assign, assignment]  # a function for a method
