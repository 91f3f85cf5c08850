from __future__ import annotations

from pathlib import Path

import pytest

from seeder.errors import ConfigError
from seeder.storage.credentials import credentials
from seeder.storage.place import place_of
from seeder.storage.store import told


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (("s3://films",), "https://s3.us-east-1.amazonaws.com/films/a%20b"),
        (
            ("s3://films/of/ours", None, "eu-central-1"),
            "https://s3.eu-central-1.amazonaws.com/films/of/ours/a%20b",
        ),
        (("s3://films/x", "http://127.0.0.1:9000"), "http://127.0.0.1:9000/films/x/a%20b"),
        (
            ("s3://films/x", "http://127.0.0.1:9000", None, "https://cdn.example.org"),
            "https://cdn.example.org/a%20b",
        ),
    ],
)
def test_a_recording_has_its_url_where_viewers_find_it(given: tuple[str | None, ...], url: str) -> None:
    assert place_of(*given).url("a b") == url  # type: ignore[arg-type]


def test_credentials_of_the_environment_are_taken_out_of_it() -> None:
    environ = {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "A": "b",
    }
    found = credentials(None, environ)
    assert (found.id, found.secret, found.token) == ("id", "secret", "token")
    assert environ == {"A": "b"}
    assert "secret" not in repr(found)


def test_a_file_has_them_as_amazons_programs_write_it(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = id\naws_secret_access_key = se%cret/+=\n[other]\n")
    found = credentials(file, {"AWS_ACCESS_KEY_ID": "others"})
    assert (found.id, found.secret, found.token) == ("id", "se%cret/+=", "")


@pytest.mark.parametrize(
    "text", ["", "a-secret", "[default\na-secret", "[default]\naws_access_key_id = a-secret"]
)
def test_what_is_no_such_file_is_told_without_what_stands_in_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(text)
    with pytest.raises(ConfigError) as failure:
        credentials(file, {})
    assert "a-secret" not in str(failure.value)
    with pytest.raises(ConfigError):
        credentials(tmp_path / "none", {})


def test_an_error_is_told_without_its_own_words() -> None:
    words = "GET http://host/bucket?X-Amz-Credential=id: status code: 403 Forbidden: <Code>{}</Code>"
    assert str(told(Exception(words.format("AccessDenied")))) == "the store says AccessDenied"
    assert str(told(Exception(words.format("a secret")))) == "the store answers 403"
    assert str(told(Exception("Connection refused (os error 111)"))) == (
        "the store cannot be reached (connection refused)"
    )
