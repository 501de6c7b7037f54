import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving.client import Credentials, HttpClient, RefusedError
from serving.face_settings import SecuritySection
from serving.http.facilities import Facilities
from serving.security import signing
from serving.security.gate import Gate
from tests.serving.security.test_keys import write

SECRET = "correct horse battery staple"
GUIDE = (Path(signing.__file__).parent / "SIGNING.md").read_text(encoding="utf-8")


@pytest.fixture
def url(serve_http: Callable[..., Any], tmp_path: Path) -> str:
    path = write(tmp_path / "keys.yaml", {"Name": "shop", "Secret": SECRET})
    server = serve_http(facilities=Facilities(gate=Gate(SecuritySection(Keys=path))))
    return f"http://127.0.0.1:{server.ports[0]}"


@pytest.mark.skipif(not all(map(shutil.which, ("bash", "curl", "openssl"))), reason="needs bash, curl and openssl")
def test_curl_of_the_guide(url: str, picture: Callable[..., bytes], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    functions = "\n".join(re.findall(r"```bash\n(.*?)```", GUIDE, re.DOTALL))
    for secret, message in ((SECRET, "16x6"), ("wrong", "Unauthorized: the key id or the signature is wrong")):
        command = ["bash", "-c", functions + '\nask "$@"', "-", url, "shop", secret, str(tmp_path / "a.png")]
        done = subprocess.run(command, capture_output=True, check=True)
        assert json.loads(done.stdout)["message"] == message


def test_our_client_signs(url: str, picture: Callable[..., bytes]) -> None:
    with HttpClient(url, credentials=Credentials(signer="shop", secret=SECRET)) as client:
        assert [client.read(picture(width, 4)).text for width in (8, 9)] == ["8x4", "9x4"]
        assert client.models()
    with (
        HttpClient(url, credentials=Credentials(signer="shop", secret="wrong")) as client,
        pytest.raises(RefusedError, match="signature is wrong"),
    ):
        client.read(picture())
