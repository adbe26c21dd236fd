"""CLI: the data-plane client inside azure-cli-iot 0.1.14, made by AutoRest in 2017, api-version 2016-11-14.

The package's own `__init__` registers commands with the whole Azure CLI, which is not needed here: the client is imported from
the folder in which it is installed.
"""

import base64
import importlib.util
import json
import sys

sys.path.append(importlib.util.find_spec("azure.cli.command_modules.iot").submodule_search_locations[0])

from mgmt_iot_hub_device.lib.iot_hub_device_client import IotHubDeviceClient  # noqa: E402
from mgmt_iot_hub_device.lib.models import (  # noqa: E402
    Authentication,
    DeviceDescription,
    ErrorDetailsException,
    SymmetricKey,
    X509Thumbprint,
)
from sas_token_auth import SasTokenAuthentication  # noqa: E402

from lib.check import (  # noqa: E402
    HOST,
    KEY,
    POLICY,
    URL,
    check,
    container_uri,
    done,
    equal,
    failure,
    http,
    keys,
    own,
    queue_message,
    received,
    token,
    true,
    until,
)


def client(device_id, key=KEY, policy=POLICY, expiry=None):
    """As the CLI makes it, anew for each command: signed by the hub's owner for the one device, or for none."""
    credentials = SasTokenAuthentication(f"{HOST}/devices/{device_id}", policy, key, expiry)
    return IotHubDeviceClient(credentials, "subscription", base_url=URL).iot_hub_devices


def refused(status, body):
    error = failure(ErrorDetailsException, body)
    equal(error.response.status_code, status, error.response.text)
    answer = json.loads(error.response.text)
    true(answer["Message"], "a message")
    equal(error.error.message, answer["Message"], "the message that the client reads")
    return answer["Message"]


def identities():
    name = own("Identity")  # a capital, since this client signs for the name in lower case
    devices = client(name)

    def create():
        device = devices.create_or_update(name, DeviceDescription(device_id=name), if_match=None)
        equal(device.device_id, name)
        equal(device.status, "enabled")
        equal(device.connection_state, "Disconnected")
        equal(device.cloud_to_device_message_count, 0)
        equal(device.status_reason, None)
        equal(len(device.generation_id), 18, "digits of the generation")
        equal(device.last_activity_time.year, 1, "year of an activity that never was")
        keys(device.authentication.symmetric_key)
        equal(device.authentication.x509_thumbprint.primary_thumbprint, None)
        return device

    created = check("a device is created from its id alone, with keys", create)

    def again():
        message = refused(409, lambda: devices.create_or_update(name, DeviceDescription(device_id=name), if_match=None))
        true(message.startswith("ErrorCode:DeviceAlreadyExists;"), message)

    check("creating it again: 409", again)

    def read():
        raw = devices.get(name, raw=True)
        equal(raw.response.headers["ETag"], f'"{raw.output.etag}"')
        equal(raw.output.generation_id, created.generation_id)
        equal(raw.output.authentication.symmetric_key.primary_key, created.authentication.symmetric_key.primary_key)

    check("it is read, with its tag in the header", read)

    def update():
        device = devices.get(name)
        device.status, device.status_reason = "disabled", "in the workshop"
        device.authentication.x509_thumbprint = X509Thumbprint()
        updated = devices.create_or_update(name, device)
        equal((updated.status, updated.status_reason), ("disabled", "in the workshop"))
        equal(updated.generation_id, created.generation_id)
        true(updated.etag != created.etag, "another tag")
        equal(updated.authentication.symmetric_key.primary_key, created.authentication.symmetric_key.primary_key)
        device.status = "enabled"
        equal(devices.create_or_update(name, device, if_match=updated.etag).status, "enabled")
        refused(412, lambda: devices.create_or_update(name, device, if_match=created.etag))

    check("updated by force and by tag; a stale tag: 412", update)

    def change_keys():
        primary, secondary = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
        device = DeviceDescription(
            device_id=name, status="enabled", authentication=Authentication(SymmetricKey(primary, secondary))
        )
        updated = devices.create_or_update(name, device)
        equal(updated.authentication.symmetric_key.primary_key, primary)
        equal(updated.authentication.symmetric_key.secondary_key, secondary)

    check("keys are changed", change_keys)

    def thumbprints():
        other = own("x509")
        thumbprint = Authentication(x509_thumbprint=X509Thumbprint("B" * 40, "C" * 40))
        device = client(other).create_or_update(
            other, DeviceDescription(device_id=other, authentication=thumbprint), if_match=None
        )
        equal(device.authentication.x509_thumbprint.secondary_thumbprint, "C" * 40)
        equal(device.authentication.symmetric_key.primary_key, None)
        client(other).delete(other)

    check("thumbprints stand in place of keys", thumbprints)

    def listed():
        found = client("").list(1000)
        true(any(device.device_id == name for device in found), "the device in the list")
        equal(len(client("").list(1)), 1, "devices with top 1")

    check("the list holds it; top bounds the list", listed)

    def delete():
        equal(refused(412, lambda: devices.delete(name, "OTk5"))[:9], "ErrorCode")
        equal(devices.delete(name, raw=True).response.status_code, 204)
        for missing in (lambda: devices.get(name), lambda: devices.delete(name)):
            true(refused(404, missing).startswith("ErrorCode:DeviceNotFound;"), "the code DeviceNotFound")

    check("deleted; a stale tag: 412; then 404", delete)


def authentication():
    wrong = base64.b64encode(b"9" * 32).decode()
    check("another key: 401", lambda: refused(401, lambda: client("any", key=wrong).get("any")))
    check("an unknown policy: 401", lambda: refused(401, lambda: client("any", policy="nobody").get("any")))
    check("a token that has expired: 401", lambda: refused(401, lambda: client("any", expiry=1_500_000_000).get("any")))
    check("a token for another device: 401", lambda: refused(401, lambda: client("any").get("anybody")))


def messages():
    name = own("Messages")
    devices = client(name)
    devices.create_or_update(name, DeviceDescription(device_id=name), if_match=None)

    def send():
        equal(
            devices.send_message(name, "Ping from Azure CLI", "m-1", "c-1", "u-1", raw=True).response.status_code, 204
        )
        equal(devices.send_message(name, "only a body", raw=True).response.status_code, 204)
        full, plain = received(name, 2)
        # AutoRest writes a text as JSON.
        equal((full["text"], plain["text"]), ('"Ping from Azure CLI"', '"only a body"'))
        names = ("message-id", "correlation-id", "user-id")
        equal(tuple(full["systemProperties"].get(name) for name in names), ("m-1", "c-1", "u-1"))
        equal((full["properties"], plain["properties"]), ({}, {}))

    check("events are taken with 204", send)

    def receive(timeout=60):
        """What the CLI makes of the answer."""
        result = devices.receive_message(name, timeout, raw=True)
        if result.response.status_code != 200:
            equal(result.response.status_code, 204)
            return None
        names = (
            "ack",
            "correlationid",
            "deliverycount",
            "enqueuedtime",
            "expiry",
            "messageid",
            "sequencenumber",
            "to",
            "userid",
        )
        message = {name: result.headers[f"iothub-{name}"] for name in names}
        return {
            **message,
            "data": result.response.content,
            "lock": result.headers["ETag"].strip('"'),
            "headers": result.response.headers,
        }

    check("nothing waits: 204", lambda: equal(receive(), None))

    for number in (1, 2):
        headers = {
            "iothub-messageid": f"id-{number}",
            "iothub-correlationid": "cor",
            "iothub-userid": "me",
            "iothub-ack": "full",
            "iothub-app-n": str(number),
        }
        queue_message(name, b"\x00\xff body %d" % number, headers)
    queue_message(name, b"bare")

    def properties():
        message = receive()
        equal(message["data"], b"\x00\xff body 1")
        expected = {
            "messageid": "id-1",
            "correlationid": "cor",
            "userid": "me",
            "ack": "full",
            "deliverycount": "0",
            "expiry": "",
        }
        equal({key: message[key] for key in expected}, expected)
        equal(message["to"].lower(), f"/devices/{name}/messages/devicebound".lower())
        equal(message["headers"]["iothub-app-n"], "1")
        true(int(message["sequencenumber"]) >= 1 and message["enqueuedtime"], "a number and a time")
        return message

    first = check("a message is received, with what belongs to it", properties)
    second = check("the next one, while the first is locked", lambda: receive())

    def bare():
        message = receive(1)
        equal(message["data"], b"bare")
        expected = {"messageid": "", "correlationid": "", "userid": "", "ack": "none"}
        equal({key: message[key] for key in expected}, expected)
        true(
            int(message["sequencenumber"]) > int(second["sequencenumber"]) > int(first["sequencenumber"]),
            "numbers that grow",
        )
        return message

    third = check("headers without a value are there, and empty", bare)
    check("all are locked: 204", lambda: equal(receive(), None))

    check(
        "completed",
        lambda: equal(devices.complete_or_reject_message(name, first["lock"], raw=True).response.status_code, 204),
    )
    check(
        "rejected",
        lambda: equal(devices.complete_or_reject_message(name, second["lock"], "", raw=True).response.status_code, 204),
    )

    def expired():
        message = until("the lock of a second", lambda: receive(60), lambda message: message is not None)
        equal((message["data"], message["deliverycount"]), (b"bare", "1"))
        true(message["lock"] != third["lock"], "another lock")
        return message

    again = check("a lock of a second runs out, and the message comes again", expired)

    def abandon():
        equal(devices.abandon_message(name, again["lock"], raw=True).response.status_code, 204)
        message = receive()
        equal(message["deliverycount"], "2")
        devices.complete_or_reject_message(name, message["lock"])
        equal(receive(), None)

    check("abandoned, it comes at once", abandon)

    def lost():
        for lock in (first["lock"], "00000000-0000-0000-0000-000000000000"):
            for call in (devices.complete_or_reject_message, devices.abandon_message):
                error = failure(ErrorDetailsException, lambda call=call, lock=lock: call(name, lock))
                equal(error.response.status_code, 412)
                equal(error.response.headers["iothub-errorcode"], "DeviceMessageLockLost")

    check("a lock that was lost: 412 DeviceMessageLockLost", lost)
    devices.delete(name)


def cancelled_job():
    """The CLI exports through the resource provider; cancelling is all that this client can do with a job."""
    service = {"authorization": token(HOST, KEY, POLICY), "content-type": "application/json"}
    body = json.dumps(
        {"type": "export", "outputBlobContainerUri": container_uri(own("devices")), "excludeKeysInExport": True}
    )
    job = http("POST", f"{URL}/jobs/create?api-version=2016-11-14", body, service).json()
    jobs = IotHubDeviceClient(SasTokenAuthentication(HOST, POLICY, KEY), "subscription", base_url=URL).iot_hub_devices
    equal(jobs.cancel_job(job["jobId"], raw=True).response.status_code, 204)


identities()
authentication()
messages()
check("a job of export is cancelled with 204", cancelled_job)
done()
