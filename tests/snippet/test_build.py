import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from calltrack.snippet import BUILT, build, script
from calltrack.snippet.mangle import mangle
from calltrack.snippet.tokens import UnreadableScript, tokens


def test_dist_is_the_build_of_the_source() -> None:
    assert BUILT.read_text("utf-8") == build.built()


def test_the_snippet_is_under_3072_bytes_packed_as_gzip_packs_it() -> None:
    assert build.complaints(build.built()) == []
    gzip = shutil.which("gzip")
    assert gzip is not None
    packed = subprocess.run([gzip, "-9", "-c"], input=script(), capture_output=True, check=True).stdout
    assert len(packed) < 3072


@pytest.mark.parametrize(
    "bad",
    [
        "eval(x)", "new Function('x')", "e.innerHTML=x", "e.outerHTML=x", "document.write(x)",
        "setInterval(f,9)",
        "e.insertAdjacentHTML('beforeend',x)", "document.createElement('script')", "import('x')",
        "console.log(1)", "'\N{MIDDLE DOT}'",
    ],
)  # fmt: skip
def test_what_the_snippet_must_not_hold_is_named(bad: str) -> None:
    assert build.complaints(f"(()=>{{{bad}}})()") != []


def test_a_snippet_that_grew_is_refused() -> None:
    noise = hashlib.shake_256(b"noise").hexdigest(4000)
    assert any("gzip" in complaint for complaint in build.complaints(noise))


def test_check_writes_nothing_and_fails_on_a_stale_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "dist" / "ct.js"
    monkeypatch.setattr(build, "BUILT", stale)
    assert build.main(["--check"]) == 1
    assert "is not the build" in capsys.readouterr().err
    assert not stale.exists()
    assert build.main([]) == 0
    assert build.main(["--check"]) == 0


def test_tokens_joined_are_the_script() -> None:
    for module in build.SOURCE.glob("*.js"):
        text = module.read_text("utf-8")
        assert "".join(token for _, token in tokens(text)) == text


@pytest.mark.parametrize(
    ("source", "short"),
    [
        ("(() => { try { const one = 1; const two = one; go(two, one); } catch {} })()",
         "(()=>{try{let a=1,b=a;go(b,a)}catch{}})()"),
        ("(() => { try { const f = (text) => text.length / 2; f(`${f} /x/`, /a'b/g); } catch {} })()",
         "(()=>{try{let b=a=>a.length/2;b(`${b} /x/`,/a'b/g)}catch{}})()"),
        ("(() => { try { const say = (text, more) => ({ text, size: more.size }); } catch {} })()",
         "(()=>{try{let b=(text,a)=>({text,size:a.size})}catch{}})()"),
    ],
    ids=["declarations", "regex, division and template", "properties"],
)  # fmt: skip
def test_names_are_shortened_and_nothing_else(source: str, short: str) -> None:
    assert mangle(source) == short


@pytest.mark.parametrize(
    "source",
    [
        "(() => { try { const x = 1; const f = (x) => x; } catch {} })()",
        "(() => { try { const x = `${{ a: 1 }}`; } catch {} })()",
    ],
    ids=["one name outside and inside", "braces in a template"],
)
def test_what_could_be_misread_is_refused(source: str) -> None:
    with pytest.raises(UnreadableScript):
        mangle(source)
