import pytest

from mediasrv.errors import ConfigError
from mediasrv.net.origin import Query, http_url, rooted, websocket_url


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_an_origin_in_the_clear_stays_in_the_clear(scheme: str) -> None:
    assert http_url(f"{scheme}://127.0.0.1:9000", "/x") == "http://127.0.0.1:9000/x"
    assert websocket_url(f"{scheme}://127.0.0.1:9000", "/x") == "ws://127.0.0.1:9000/x"


@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_a_secure_origin_stays_secure(scheme: str) -> None:
    assert http_url(f"{scheme}://api.example.com", "/x") == "https://api.example.com/x"
    assert websocket_url(f"{scheme}://api.example.com", "/x") == "wss://api.example.com/x"


def test_a_path_of_the_origin_is_kept() -> None:
    assert http_url("http://localhost:8000/v1/", "/chat/completions") == "http://localhost:8000/v1/chat/completions"


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("", "wss://own/v1"),
        ("https://h", "https://h/v1"),
        ("https://h/", "https://h/v1"),
        ("https://h/openai/v2/", "https://h/openai/v2"),
        ("nonsense", "nonsense"),
    ],
)
def test_an_origin_without_a_path_has_the_vendors_own(origin: str, expected: str) -> None:
    assert rooted(origin, "wss://own/v1") == expected


def test_the_query_is_written_as_vendors_read_it() -> None:
    query: Query = {"a": True, "b": False, "rate": 8000, "t": ["x y", "z"], "empty": "", "none": []}
    assert websocket_url("ws://h", "/l", query) == "ws://h/l?a=true&b=false&rate=8000&t=x+y&t=z"


@pytest.mark.parametrize("origin", ["", "api.example.com", "ftp://h", "https://"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match="is no URL"):
        http_url(origin, "/x")
