from __future__ import annotations

import base64

import pytest

from seeder.imports.uploads import Upload, UploadError, Wanted
from seeder.web.tus import checksum_of, length_of, state_of, wanted_of


def said(**fields: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in fields.items())


def test_metadata_says_what_it_is_to_become() -> None:
    text = said(filename="Mein Größtes.mp4", name="film", title="Ein Film", filetype="video/mp4")
    assert wanted_of(text) == Wanted("Mein Größtes.mp4", "film", "Ein Film")
    assert wanted_of("") == Wanted()
    assert wanted_of("is_confidential") == Wanted()


def test_a_filename_is_no_path_and_has_no_control_characters() -> None:
    assert wanted_of(said(filename="../../etc/pass\nwd")).filename == "passwd"
    assert wanted_of(said(filename="C:\\films\\a.mp4")).filename == "a.mp4"


@pytest.mark.parametrize("text", ["filename %%%", "filename " + "A" * 5000, "filename /w=="])
def test_metadata_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UploadError) as failure:
        wanted_of(text)
    assert failure.value.status == 400


@pytest.mark.parametrize("text", ["", "-1", "1e3", "9" * 16, "٣"])
def test_a_length_is_a_whole_number_of_bytes(text: str) -> None:
    with pytest.raises(UploadError):
        length_of({"upload-length": text})
    assert length_of({"upload-length": "10"}) == 10


def test_a_checksum_names_an_algorithm_that_is_known() -> None:
    assert checksum_of({}) is None
    assert checksum_of({"upload-checksum": "sha1 AAEC"}) == ("sha1", b"\0\1\2")
    for text in ("crc32 AAEC", "sha1 %", ""):
        with pytest.raises(UploadError) as failure:
            checksum_of({"upload-checksum": text})
        assert failure.value.status == 400


def test_an_upload_tells_when_it_expires_until_it_is_complete() -> None:
    upload = Upload("0" * 32, 10, "filename YQ==", Wanted("a"), 1_700_000_000.0)
    assert state_of(upload, 4) == {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": "4",
        "Upload-Length": "10",
        "Upload-Metadata": "filename YQ==",
        "Upload-Expires": "Tue, 14 Nov 2023 22:13:20 GMT",
    }
    assert "Upload-Expires" not in state_of(upload, 10)
