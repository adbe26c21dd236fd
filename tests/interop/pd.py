"""PD: azure-iot-device 2.14.0, the Python device client of today, whose file upload goes over HTTP, api-version 2019-10-01.

The file itself is sent by azure-storage-blob, as the client's own samples do.
"""

import asyncio
import base64
import json
import os
import urllib.parse

from azure.core.exceptions import HttpResponseError
from azure.iot.device import IoTHubDeviceClient, exceptions
from azure.iot.device.aio import IoTHubDeviceClient as AsyncDeviceClient
from azure.storage.blob import BlobClient

from lib.check import HOST, KEY, POLICY, URL, check, device_path, done, equal, failure, http, own, token, true

with open(os.environ["IOTHUB_CA_FILE"], encoding="utf-8") as file:
    CA = file.read()


def as_service(method, device_id, body=None, **headers):
    """This package has no service client."""
    authorization = {"authorization": token(HOST, KEY, POLICY), "content-type": "application/json"}
    return http(
        method,
        f"{URL}{device_path(device_id)}?api-version=2016-11-14",
        body and json.dumps(body),
        {**authorization, **headers},
    )


def new_device(device_id):
    return as_service("PUT", device_id, {"deviceId": device_id}).json()["authentication"]["symmetricKey"]["primaryKey"]


def connect(device_id, key, client=IoTHubDeviceClient):
    return client.create_from_connection_string(
        f"HostName={HOST};DeviceId={device_id};SharedAccessKey={key}", server_verification_cert=CA
    )


def blob(info, **options):
    url = f"https://{info['hostName']}/{info['containerName']}/{urllib.parse.quote(info['blobName'])}{info['sasToken']}"
    return BlobClient.from_blob_url(url, **options)


def upload(client, device_id, name, content, **options):
    info = client.get_storage_info_for_blob(name)
    equal(sorted(info), ["blobName", "containerName", "correlationId", "hostName", "sasToken"])
    equal(info["blobName"], f"{device_id}/{name}")
    true(info["sasToken"].startswith("?"), "a token to be appended")
    with blob(info, **options) as target:
        target.upload_blob(content, overwrite=True)
        equal(http("GET", target.url).content, content, "the blob")
    client.notify_blob_upload_status(info["correlationId"], True, 201, "Created")


def main():
    name = own("device")
    key = new_device(name)
    client = connect(name, key)

    check(
        "a file is uploaded, and the hub is told", lambda: upload(client, name, "dir/log.txt", b"the end of the log\n")
    )
    check("the same name again replaces it", lambda: upload(client, name, "dir/log.txt", b"another log\n"))
    check("a name with spaces and other letters", lambda: upload(client, name, "größe & maß #1?.txt", b"1"))
    check("an empty file", lambda: upload(client, name, "empty", b""))
    check(
        "in blocks of a mebibyte",
        lambda: upload(
            client, name, "large.bin", os.urandom(5 << 20), max_single_put_size=1 << 20, max_block_size=1 << 20
        ),
    )

    def failed():
        info = client.get_storage_info_for_blob("never.txt")
        client.notify_blob_upload_status(info["correlationId"], False, 500, "no file")

    check("an upload that failed is notified, too", failed)

    def unknown():
        error = failure(
            exceptions.ClientError, lambda: client.notify_blob_upload_status("no/such+correlation=", True, 201, "")
        )
        true("400" in str(error.__cause__), repr(error.__cause__))

    check("a notification of no upload is refused: 400", unknown)

    def without_token():
        info = client.get_storage_info_for_blob("secret.txt")
        for token_ in ("", "?sig=none"):
            with blob({**info, "sasToken": token_}, retry_total=0) as target:
                error = failure(HttpResponseError, lambda target=target: target.upload_blob(b"x"))
                true(error.status_code in (401, 403, 404), str(error.status_code))

    check("nobody uploads without the token", without_token)

    def wrong_key():
        stranger = connect(name, base64.b64encode(b"9" * 32).decode())
        failure(exceptions.ClientError, lambda: stranger.get_storage_info_for_blob("x"))
        stranger.shutdown()

    check("another key is refused", wrong_key)

    def odd_id():
        odd = own("a:b+c%41#d?e*f'g")
        other = connect(odd, new_device(odd))
        upload(other, odd, "x.txt", b"x")
        other.shutdown()
        as_service("DELETE", odd, **{"if-match": "*"})

    check("ids keep every character that is allowed", odd_id)

    async def asynchronous():
        other = connect(name, key, AsyncDeviceClient)
        info = await other.get_storage_info_for_blob("async.txt")
        with blob(info) as target:
            target.upload_blob(b"async", overwrite=True)
        await other.notify_blob_upload_status(info["correlationId"], True, 201, "Created")
        await other.shutdown()

    check("the asynchronous client does the same", lambda: asyncio.run(asynchronous()))

    client.shutdown()
    as_service("DELETE", name, **{"if-match": "*"})


main()
done()
