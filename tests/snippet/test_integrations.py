"""The template for Google Tag Manager: what it asks for is what it uses."""

import json
import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "integrations"


def test_the_template_of_the_tag_manager_is_whole_and_asks_for_little() -> None:
    text = (FOLDER / "google-tag-manager" / "template.tpl").read_text("utf-8")
    parts = dict(zip(*[iter(re.split(r"___([A-Z_]+)___\n", text)[1:])] * 2, strict=True))
    names = {each["name"] for each in json.loads(parts["TEMPLATE_PARAMETERS"])}
    script = parts["SANDBOXED_JS_FOR_WEB_TEMPLATE"]
    assert set(re.findall(r"data\.(\w+)", script)) - {"gtmOnSuccess", "gtmOnFailure"} == names
    assert json.loads(parts["INFO"])["containerContexts"] == ["WEB"]
    asked = [each["instance"]["key"]["publicId"] for each in json.loads(parts["WEB_PERMISSIONS"])]
    assert asked == ["access_globals", "inject_script"]
    assert set(re.findall(r"require\('(\w+)'\)", script)) == {"copyFromWindow", "setInWindow", "injectScript"}
