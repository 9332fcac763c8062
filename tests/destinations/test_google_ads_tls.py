"""The way to Google itself: the client untouched, TLS, the access token as metadata of each call."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# Runs in a process of its own: gRPC reads its roots once, before the first TLS channel.
SENDS = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
folder = sys.argv[1]
os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = f"{folder}/cert.pem"
import grpc
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.google_ads_client import GoogleAdsTransport, _CALLS
from calltrack.infra.http import HttpDoor, HttpRequest
from calltrack.kernel.clock import utc_now
from calltrack.sandbox.platforms import oauth
from calltrack.sandbox.platforms.faults import Faults
from calltrack.sandbox.platforms.google_ads_server import Server
from calltrack.sandbox.platforms.journal import Journal
from calltrack.sandbox.platforms.twin import Desk
from google.ads.googleads.v26.services.services.conversion_upload_service import ConversionUploadServiceClient
from tests.destinations.uploads import google_ads, upload

journal = Journal(None)
twin = Server(Desk(journal, Faults(["google_ads"]), utc_now, None))
server = grpc.server(ThreadPoolExecutor(2))
for service, methods in twin._handlers().items():
    name = f"google.ads.googleads.v26.services.{service}"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, methods),))
pair = (open(f"{folder}/key.pem", "rb").read(), open(f"{folder}/cert.pem", "rb").read())
port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials((pair,)))
server.start()
ConversionUploadServiceClient.DEFAULT_ENDPOINT = f"localhost:{port}"

ads, settings, now = DESTINATIONS["google_ads"], google_ads(login_customer_id="999-888-7777"), utc_now()
payload = ads.freeze(upload(occurred_at=now, changed_at=now), settings)
transport = GoogleAdsTransport(HttpDoor())
good = transport.send(ads.request([payload], settings, now, oauth.issue(now)))
bad = transport.send(ads.request([payload], settings, now, "somebody else's"))
assert good.status == 200, good
assert bad.status == 401, bad
assert [effect.id for effect in journal.effects("google_ads")] == [upload().id]
print("counted")
server.stop(None)
twin.stop()
"""


def make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def test_a_conversion_reaches_a_tls_server_with_its_access_token(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", SENDS, str(tmp_path)], check=False, timeout=60, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, "counted"), done.stderr
