"""What is wrong with a form of settings, said by the titles that stand beside its fields."""

from typing import Any

from pydantic import BaseModel, ValidationError

from calltrack.kernel.errors import BadFields


def refused(problem: ValidationError, model: type[BaseModel], whole: str = "") -> BadFields:
    """Return the refusal: each field by its name with what to write; `whole` names what is no one field."""
    fields: dict[str, str] = {}
    for error in problem.errors():
        name = str(error["loc"][0]) if error["loc"] else ""
        title = (model.model_fields[name].title if name in model.model_fields else whole) or name
        fields.setdefault(name, f"{title}: {_words(error)}.")
    return BadFields(" ".join(fields.values()), fields)


def _words(error: Any) -> str:
    bounds = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "fill it in"
        case "int_parsing" | "int_type" | "int_from_float":
            return "write a whole number"
        case "float_parsing" | "float_type":
            return "write a number, such as 0.9"
        case "greater_than_equal":
            return f"write {bounds['ge']} or more"
        case "greater_than":
            return f"write more than {bounds['gt']:g}"
        case "less_than_equal":
            return f"write {bounds['le']} or less"
        case "literal_error":
            return "choose one of the list"
        case "string_too_short":
            return f"write at least {bounds['min_length']} characters"
        case "string_too_long":
            return f"write at most {bounds['max_length']} characters"
    return str(error["msg"]).removeprefix("Value error, ").rstrip(".")
