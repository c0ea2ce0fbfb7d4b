from __future__ import annotations

import re
import tomllib
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K
from mediasrv.call.options import AgentOptions, FallbackOptions
from mediasrv.carriers.options import ExotelOptions, PlivoOptions, TelnyxOptions, TwilioOptions
from mediasrv.config import Settings, check_providers, load, masked
from mediasrv.errors import ConfigError
from mediasrv.providers.scripted import ScriptedStt
from mediasrv.server.options import ServerOptions
from mediasrv.turn.options import TurnOptions


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mediasrv.toml"


def read(file: Path, text: str, **environ: str) -> Settings:
    file.write_text(text)
    return load(file, environ)


def refused(message: str) -> AbstractContextManager[object]:
    return pytest.raises(ConfigError, match=f"^{re.escape(message)}$")


WHOLE = """
[server]
host = "0.0.0.0"
port = 8081
public_url = "https://voice.example.in/"
max_calls = 5

[plivo]
auth_id_env = "PLIVO_AUTH_ID"
auth_token_env = "PLIVO_AUTH_TOKEN"
verify_signatures = true

[agents.default]
instructions = "Be brief."
greeting = ""
class = "my_agents:Support"

[agents.default.stt]
provider = "deepgram"
url = "wss://api.deepgram.com"
api_key_env = "DEEPGRAM_API_KEY"

[agents.default.turn]
endpoint_ms = 400

[agents.Night-Shift.tts]
voice = "joe"
"""
ACCOUNT = {"PLIVO_AUTH_ID": "MAXX", "PLIVO_AUTH_TOKEN": "t0ken", "DEEPGRAM_API_KEY": "dg"}


def test_without_a_word_there_is_one_agent_on_the_local_models() -> None:
    settings = load(None, {})
    assert settings.server == ServerOptions()
    assert list(settings.agents) == ["default"]
    assert settings.agents["default"].stt == {"provider": "moonshine"}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_who_tries_the_server_out_on_loopback_needs_no_signature(host: str) -> None:
    settings = load(None, {}, {"server.host": host})
    carriers = (settings.plivo, settings.twilio, settings.exotel, settings.telnyx)
    assert not any(carrier.verify_signatures for carrier in carriers)


def test_who_has_an_account_with_one_carrier_leaves_no_door_open_to_another() -> None:
    settings = load(None, {"MEDIASRV_TWILIO__AUTH_TOKEN": "t0ken"})
    carriers = (settings.plivo, settings.twilio, settings.exotel, settings.telnyx)
    assert all(carrier.verify_signatures for carrier in carriers)


@pytest.mark.parametrize(
    ("table", "key", "value", "expected"),
    [
        ("telnyx", "codec", '"OPUS"', "one of PCMU, PCMA, L16"),
        ("exotel", "sample_rate", "44100", "8000, 16000 or 24000"),
        ("twilio", "auth_token", '"plain"', "no secret in plain text"),
        ("exotel", "stream_password", '"plain"', "no secret in plain text"),
        ("telnyx", "api_key", '"plain"', "no secret in plain text"),
    ],
)
def test_a_carriers_key_is_checked(file: Path, table: str, key: str, value: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        read(file, f"[{table}]\n{key} = {value}\n")


def test_the_carriers_are_read(file: Path) -> None:
    text = """
[twilio]
auth_token_env = "T"
[exotel]
stream_password_env = "T"
sample_rate = 16000
[telnyx]
api_key_env = "T"
public_key_env = "PUBLIC"
codec = "L16"
"""
    settings = read(file, text, T="s3cret", PUBLIC="cHVibGlj")
    assert settings.twilio == TwilioOptions(auth_token="s3cret")
    assert settings.exotel == ExotelOptions(stream_password="s3cret", sample_rate=16_000)
    assert settings.telnyx == TelnyxOptions(api_key="s3cret", public_key="cHVibGlj", codec="L16")
    assert "s3cret" not in masked(settings)


def test_signatures_are_asked_for_when_others_can_come_or_anything_is_said(file: Path) -> None:
    assert load(None, {}, {"server.host": "0.0.0.0"}).plivo.verify_signatures
    assert load(None, {"MEDIASRV_PLIVO__AUTH_TOKEN": "t0ken"}).plivo.verify_signatures
    assert read(file, "").plivo.verify_signatures


def test_a_whole_file_is_read(file: Path) -> None:
    assert read(file, WHOLE, **ACCOUNT) == Settings(
        server=ServerOptions(host="0.0.0.0", port=8081, public_url="https://voice.example.in", max_calls=5),
        plivo=PlivoOptions(auth_id="MAXX", auth_token="t0ken"),
        agents={
            "default": AgentOptions(
                instructions="Be brief.",
                greeting="",
                class_="my_agents:Support",
                stt={"provider": "deepgram", "url": "wss://api.deepgram.com", "api_key": "dg"},
                turn=TurnOptions(endpoint_ms=400),
            ),
            "Night-Shift": AgentOptions(tts={"provider": "piper", "voice": "joe"}),
        },
    )


def test_an_empty_table_of_agents_still_has_the_default_one(file: Path) -> None:
    assert list(read(file, "[agents]").agents) == ["default"]


def test_the_environment_overrides_the_file_and_flags_override_both(file: Path) -> None:
    file.write_text('[server]\nhost = "10.0.0.1"\nport = 1\nmax_calls = 1')
    environ = {"MEDIASRV_SERVER__PORT": "2", "MEDIASRV_SERVER__MAX_CALLS": "2"}
    settings = load(file, environ, {"server.max_calls": 3, "server.host": None})
    assert settings.server == ServerOptions(host="10.0.0.1", port=2, max_calls=3)


def test_the_environment_reaches_agents(file: Path) -> None:
    settings = read(
        file,
        WHOLE,
        **ACCOUNT,
        MEDIASRV_AGENTS__DEFAULT__GREETING="Hi.",
        MEDIASRV_AGENTS__DEFAULT__CLASS="other:Agent",
        MEDIASRV_AGENTS__DEFAULT__TURN__INTERRUPTIBLE_GREETING="no",
        MEDIASRV_AGENTS__DEFAULT__STT__INTERIM="true",
        MEDIASRV_AGENTS__NIGHT_SHIFT__GREETING="Good night.",
        MEDIASRV_AGENTS__EXTRA__GREETING="New here.",
    )
    agent = settings.agents["default"]
    assert (agent.greeting, agent.class_) == ("Hi.", "other:Agent")
    assert agent.turn == TurnOptions(endpoint_ms=400, interruptible_greeting=False)
    assert agent.stt["interim"] is True
    assert settings.agents["Night-Shift"].greeting == "Good night."
    assert settings.agents["extra"].greeting == "New here."
    assert list(settings.agents) == ["default", "Night-Shift", "extra"]


def test_variables_without_a_double_underscore_are_not_settings() -> None:
    assert load(None, {"MEDIASRV_LOG_LEVEL": "debug", "MEDIASRV_SERVICE_HOST": "x", "OTHER__X": "1"}) == load(None, {})


def test_a_secret_in_a_variable_of_ours_replaces_the_sealed_one(file: Path) -> None:
    text = '[plivo]\nauth_token_env = "UNSET"\n[agents.a.llm]\napi_key_file = "none"'
    settings = read(file, text, MEDIASRV_PLIVO__AUTH_TOKEN="direct", MEDIASRV_AGENTS__A__LLM__API_KEY="12345")
    assert settings.plivo.auth_token == "direct"
    assert settings.agents["a"].llm == {"provider": "smollm2", "api_key": "12345"}


def test_a_sealed_secret_in_a_variable_replaces_a_plain_one(file: Path) -> None:
    text = '[agents.a.llm]\nurl = "http://localhost:1"\napi_key = "test"'
    settings = read(file, text, MEDIASRV_AGENTS__A__LLM__API_KEY_ENV="KEY", KEY="real")
    assert settings.agents["a"].llm["api_key"] == "real"


def test_a_plain_secret_does_not_outlive_its_loopback_url(file: Path) -> None:
    text = '[agents.a.llm]\nurl = "http://localhost:1"\napi_key = "test"'
    assert read(file, text).agents["a"].llm["api_key"] == "test"
    with pytest.raises(ConfigError, match=r"agents\.a\.llm\.api_key: expected no secret in plain text"):
        read(file, text, MEDIASRV_AGENTS__A__LLM__URL="https://api.example.com")


def test_the_token_of_an_account_is_never_plain(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"plivo\.auth_token: expected no secret in plain text"):
        read(file, '[plivo]\nauth_token = "t0ken"')


def test_secret_files_are_found_beside_the_configuration(file: Path) -> None:
    (file.parent / "token").write_text("t0ken\n")
    assert read(file, '[plivo]\nauth_token_file = "token"').plivo.auth_token == "t0ken"


def test_a_provider_may_have_tables_of_its_own_with_secrets(file: Path) -> None:
    settings = read(file, '[agents.a.llm.headers]\nx_env = "X"\nplain = 1', X="s3cret")
    assert settings.agents["a"].llm["headers"] == {"x": "s3cret", "plain": 1}


NO_IDLE_PROMPT = "idle_prompt must not be empty; with turn.idle_prompts = 0 nothing is asked"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sever]", "sever: unknown key; did you mean server?"),
        ("[server]\nprot = 1", "server.prot: unknown key; did you mean port?"),
        ("[agents.a]\ngreting = ''", "agents.a.greting: unknown key; did you mean greeting?"),
        ("[agents.a.turn]\nendpoint = 1", "agents.a.turn.endpoint: unknown key; did you mean endpoint_ms?"),
        ("[plivo]\nauth_tokn_env = 'X'", "plivo.auth_tokn_env: unknown key; did you mean auth_token_env?"),
        ("server = 1", "server: expected a table, got a whole number"),
        ("[[agents]]", "agents: expected a table, got a list"),
        ("[agents]\ndefault = 'x'", "agents.default: expected a table, got text"),
        ("[server]\nport = '80'", "server.port: expected a whole number, got text"),
        ("[server]\nport = 65536", "server.port: expected a port from 0 to 65535, got 65536"),
        ("[server]\nport = -1", "server.port: expected a port from 0 to 65535, got -1"),
        ("[server]\nmax_calls = 0", "server.max_calls: expected at least 1, got 0"),
        ("[server]\ndrain_s = 0", "server.drain_s: expected a duration above 0, got 0"),
        ("[server]\nhost = ''", "server.host: expected an address, such as 127.0.0.1, got ''"),
        (
            "[server]\npublic_url = 'voice.example.in'",
            "server.public_url: expected an origin, such as https://voice.example.in, got 'voice.example.in'",
        ),
        (
            "[server]\npublic_url = 'https://x/path'",
            "server.public_url: expected an origin, such as https://voice.example.in, got 'https://x/path'",
        ),
        (
            "[server]\npublic_url = 'http://[x'",
            "server.public_url: expected an origin, such as https://voice.example.in, got 'http://[x'",
        ),
        ("[agents.a]\nmax_duration_s = 0", "agents.a.max_duration_s: expected a duration above 0, got 0"),
        ("[agents.a.turn]\nidle_ms = -5", "agents.a.turn: turn.idle_ms must be more than 0"),
        (
            "[plivo]\ncontent_type = 'audio/mpeg'",
            "plivo.content_type: expected one of audio/x-mulaw;rate=8000, audio/x-l16;rate=8000, "
            "audio/x-l16;rate=16000, got 'audio/mpeg'",
        ),
        ("[agents.a]\nidle_prompt = ''", f"agents.a: {NO_IDLE_PROMPT}"),
        ("[agents.a]\nidle_prompt = ['Hello?', '']", f"agents.a: {NO_IDLE_PROMPT}"),
        ("[agents.a]\nclass = 'module'", "agents.a.class: expected MODULE:NAME, got 'module'"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_that_says_where(file: Path, text: str, message: str) -> None:
    with refused(f"{file}: {message}"):
        read(file, text)


def test_zero_and_the_highest_port_will_do(file: Path) -> None:
    assert read(file, "[server]\nport = 0").server.port == 0
    assert read(file, "[server]\nport = 65535").server.port == 65535
    assert read(file, "[agents.a.turn]\nidle_prompts = 0").agents["a"].turn.idle_prompts == 0


def test_a_file_that_is_not_toml_names_the_line(file: Path) -> None:
    with pytest.raises(ConfigError, match=rf"^{re.escape(str(file))}: not TOML: .*line 2"):
        read(file, "[server]\nport 8080\n")


def test_a_missing_file_a_folder_and_bytes_are_refused(tmp_path: Path) -> None:
    with refused(f"{tmp_path}/no.toml: cannot read the configuration: No such file or directory"):
        load(tmp_path / "no.toml", {})
    with refused(f"{tmp_path}: cannot read the configuration: Is a directory"):
        load(tmp_path, {})
    (tmp_path / "latin.toml").write_bytes(b"[server] # \xe9")
    with refused(f"{tmp_path}/latin.toml: expected a TOML file in UTF-8"):
        load(tmp_path / "latin.toml", {})


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("MEDIASRV_SERVER__PROT", "1", "server.prot: unknown key; did you mean port?"),
        ("MEDIASRV_SEVER__PORT", "1", "sever: unknown key; did you mean server?"),
        ("MEDIASRV_SERVER__PORT", "http", "server.port: expected a whole number"),
        ("MEDIASRV_SERVER__PORT", "70000", "server.port: expected a port from 0 to 65535, got 70000"),
        ("MEDIASRV_SERVER__PORT__X", "1", "server.port: expected a whole number, got a table"),
        ("MEDIASRV_PLIVO__VERIFY_SIGNATURES", "perhaps", "plivo.verify_signatures: expected true or false"),
        ("MEDIASRV_AGENTS__DEFAULT", "1", "agents.default: expected a table, got text"),
        (
            "MEDIASRV_SERVER__",
            "1",
            "server.: unknown key; known are drain_s, host, max_busy_percent, max_calls, "
            "max_connections_per_address, max_lag_ms, port, public_url, recover_s, sheds_load, tls_certificate_file, "
            "tls_key_file",
        ),
    ],
)
def test_a_mistake_in_a_variable_names_it(variable: str, value: str, message: str) -> None:
    with refused(f"{variable}: {message}"):
        load(None, {variable: value})


def test_a_variable_below_a_value_is_refused() -> None:
    environ = {"MEDIASRV_SERVER__PORT": "1", "MEDIASRV_SERVER__PORT__X": "2"}
    with refused("MEDIASRV_SERVER__PORT__X: server.port.x: MEDIASRV_SERVER__PORT says that port is no table"):
        load(None, environ)


def test_a_mistake_in_a_flag_names_it() -> None:
    with refused("--port: server.port: expected a port from 0 to 65535, got 70000"):
        load(None, {}, {"server.port": 70000})


def test_the_printed_tree_is_toml_without_secrets(file: Path) -> None:
    text = masked(read(file, WHOLE, **ACCOUNT))
    assert "t0ken" not in text
    assert "dg" not in text.replace("deepgram", "")
    tree = tomllib.loads(text)
    assert tree["plivo"]["auth_token"] == "********"
    assert tree["plivo"]["auth_id"] == "MAXX"
    assert tree["agents"]["default"]["stt"]["api_key"] == "********"
    assert tree["agents"]["default"]["class"] == "my_agents:Support"
    assert tree["agents"]["default"]["turn"]["endpoint_ms"] == 400
    assert tree["server"]["port"] == 8081
    assert tree["agents"]["Night-Shift"]["tts"] == {"provider": "piper", "voice": "joe"}


def test_the_mask_does_not_tell_the_length_of_a_secret_nor_hide_that_there_is_none() -> None:
    masks = [masked(Settings(plivo=PlivoOptions(auth_token="x" * length))) for length in (1, 8, 40)]
    assert len(set(masks)) == 1
    assert 'auth_token = ""' in masked(Settings())


def test_whatever_was_sealed_is_masked_and_so_is_a_password_in_a_url(file: Path) -> None:
    text = (
        '[agents."a b".llm]\nuser_env = "NAME"\nurl = "https://me:pass@host/v1"\nheaders = { authorization_env = "A" }'
    )
    tree = tomllib.loads(masked(read(file, text, NAME="joe", A="Bearer x")))
    assert tree["agents"]["a b"]["llm"] == {
        "provider": "smollm2",
        "user": "********",
        "url": "https://********@host/v1",
        "headers": {"authorization": "********"},
    }


def test_the_printed_tree_is_read_back_as_it_was(file: Path) -> None:
    text = '[agents.a]\ngreeting = "Say \\"hi\\"\\n\\u00e9 \\u007f"\n[agents.a.llm]\nstop = ["a", "b"]\nwarm = 0.5'
    settings = read(file, text)
    assert read(file, masked(settings)) == settings


def test_the_stream_format_is_what_the_content_type_says(file: Path) -> None:
    assert Settings().stream_format == MULAW_8K
    assert read(file, '[plivo]\ncontent_type = "audio/x-l16;rate=16000"').stream_format == L16_16K


def test_providers_that_are_known_and_set_up_well_pass() -> None:
    scripted = {"provider": "scripted"}
    check_providers(Settings(agents={"a": AgentOptions(stt=scripted, llm=scripted, tts=scripted)}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"provider": "morshine"}, r"^agents\.a\.stt: stt provider 'morshine' is unknown; did you mean moonshine\?"),
        ({"provider": "scripted", "nope": 1}, r"^agents\.a\.stt: stt provider scripted: nope: unknown key; "),
        ({"provider": 1}, r"^agents\.a\.stt: stt: provider: expected a name"),
    ],
)
def test_a_provider_that_cannot_work_is_named_with_its_place(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_providers(Settings(agents={"a": AgentOptions(stt=options)}))


def test_a_second_provider_that_cannot_work_is_named_with_its_place() -> None:
    scripted = {"provider": "scripted"}
    fallback = FallbackOptions(tts={"provider": "scripted", "speed": 2})
    with pytest.raises(ConfigError, match=r"^agents\.a\.fallback\.tts: .*speed"):
        check_providers(
            Settings(agents={"a": AgentOptions(stt=scripted, llm=scripted, tts=scripted, fallback=fallback)})
        )


def test_second_providers_have_secrets_of_their_own(file: Path) -> None:
    text = """
[agents.a.fallback]
fillers = ["Hm."]
filler_after_ms = 1500

[agents.a.fallback.llm]
provider = "openai"
api_key_env = "SECOND"
"""
    settings = read(file, text, SECOND="s3cret")
    llm = {"provider": "openai", "api_key": "s3cret"}
    assert settings.agents["a"].fallback == FallbackOptions(fillers=("Hm.",), filler_after_ms=1500, llm=llm)
    assert "s3cret" not in masked(settings)
    with refused(f"{file}: agents.a.fallback: fallback.gap_ms must be more than 0"):
        read(file, "[agents.a.fallback]\ngap_ms = 0")


def test_a_provider_whose_packages_are_missing_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScriptedStt, "missing", staticmethod(lambda: "x is not installed: pip install x"))
    scripted = {"provider": "scripted"}
    with refused("agents.a.stt: x is not installed: pip install x"):
        check_providers(Settings(agents={"a": AgentOptions(stt=scripted, llm=scripted, tts=scripted)}))


def test_settings_do_not_show_the_token() -> None:
    assert "t0ken" not in repr(Settings(plivo=PlivoOptions(auth_token="t0ken")))
