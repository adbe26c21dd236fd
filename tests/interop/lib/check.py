"""What the Python scripts share: checks that print a line each, and the script's view of the emulator beside the client that is tried."""

import base64
import hashlib
import hmac
import json
import logging
import os
import sys
import threading
import time
import traceback
import urllib.parse

import requests

LIMIT_SECONDS = 120
CLIENT = os.path.basename(sys.argv[0]).removesuffix(".py")
HOST = os.environ["IOTHUB_HOST"]
URL = f"https://{HOST}"
OWNER = dict(part.split("=", 1) for part in os.environ["IOTHUB_CONNECTION_STRING"].split(";"))
POLICY, KEY = OWNER["SharedAccessKeyName"], OWNER["SharedAccessKey"]
# The Python clients take a port in the host name, and sign for it as it stands there.
CONNECTION_STRING = f"HostName={HOST};SharedAccessKeyName={POLICY};SharedAccessKey={KEY}"
ADMIN = os.environ["ADMIN_URL"] + "/$emulator"


class _Requests(logging.Handler):
    """urllib3 logs a line for each request and answer; the last ones are printed when a check fails."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines = (self.lines + [record.getMessage()])[-3:]


_requests = _Requests()
_log = logging.getLogger("urllib3.connectionpool")
_log.setLevel(logging.DEBUG)
_log.addHandler(_requests)
_log.propagate = False
logging.getLogger("msrest").setLevel(logging.ERROR)
_count = 0


def own(name):
    """A name that no other script uses."""
    return f"{CLIENT}-{name}"


def _fail(name, why):
    print(f"FAILED {CLIENT}: {name}")
    for line in _requests.lines:
        print(f"  request: {line}")
    print(why, flush=True)
    os._exit(1)


def check(name, body):
    """Runs one check; the first that fails ends the process."""
    global _count
    timer = threading.Timer(LIMIT_SECONDS, _fail, (name, f"  not done after {LIMIT_SECONDS} s"))
    timer.daemon = True
    timer.start()
    try:
        result = body()
    except Exception:  # noqa: BLE001
        _fail(name, traceback.format_exc())
    timer.cancel()
    _count += 1
    print(f"ok {CLIENT}: {name}", flush=True)
    return result


def done():
    """Ends the script well, whatever threads the clients keep."""
    print(f"{CLIENT}: {_count} checks passed", flush=True)
    os._exit(0)


def equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r} instead of {expected!r}")


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def failure(error, body):
    """The error of the class `error` that `body` raises."""
    try:
        value = body()
    except error as raised:
        return raised
    raise AssertionError(f"{error} was expected, not {value!r}")


def until(what, ask, good):
    """Asks until `good` holds, for what happens behind the hub's answers."""
    value = None
    for _ in range(100):
        value = ask()
        if good(value):
            return value
        time.sleep(0.1)
    raise AssertionError(f"{what}: still {value!r}")


def keys(symmetric_key):
    """Two different keys of 32 bytes."""
    for key in (symmetric_key.primary_key, symmetric_key.secondary_key):
        equal(len(base64.b64decode(key)), 32, "length of a key")
    true(symmetric_key.primary_key != symmetric_key.secondary_key, "two keys that are equal")


def token(resource, key, policy=None, seconds=3600):
    sr = urllib.parse.quote(resource, safe="")
    expiry = int(time.time()) + seconds
    signature = hmac.new(base64.b64decode(key), f"{sr}\n{expiry}".encode(), hashlib.sha256).digest()
    sig = urllib.parse.quote(base64.b64encode(signature), safe="")
    return f"SharedAccessSignature sr={sr}&sig={sig}&se={expiry}" + (f"&skn={policy}" if policy else "")


def http(method, url, body=None, headers=None):
    answer = requests.request(method, url, data=body, headers=headers or {}, timeout=30)
    true(answer.ok, f"{method} {url} -> {answer.status_code} {answer.text}")
    return answer


def device_path(device_id):
    return "/devices/" + urllib.parse.quote(device_id, safe="")


def queue_message(device_id, body, headers=None):
    """Queues a cloud-to-device message, for which there is no HTTP route but the emulator's own."""
    http("POST", ADMIN + device_path(device_id) + "/messages", body, headers)


def received(device_id, count):
    """The newest events of a device, as the hub has received them."""
    events = http("GET", f"{ADMIN}/events").json()
    return [event for event in events if event["deviceId"] == device_id][-count:]


def script_method(device_id, name, status, payload):
    """What the device answers when the method `name` is called."""
    body = json.dumps({"methodName": name, "status": status, "payload": payload})
    http("POST", ADMIN + device_path(device_id) + "/methods", body, {"content-type": "application/json"})


def as_device(method, device_id, key, path, body=None, headers=None, query=""):
    """A request that the device makes with its own key."""
    authorization = {"authorization": token(f"{HOST}/devices/{device_id}", key)}
    url = f"{URL}{device_path(device_id)}{path}?api-version=2016-11-14{query}"
    return http(method, url, body, {**authorization, **(headers or {})})


def container_uri(name):
    """The address of a container of this script, which only the emulator can give."""
    return http("POST", f"{ADMIN}/containers/{name}").json()["url"]


def blob_in(container, name):
    place, _, query = container.partition("?")
    return f"{place}/{name}?{query}"
