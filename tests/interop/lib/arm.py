"""The resource provider at 2017-01-19, as both Python management clients drive it; `Client` hides how they differ."""

import json
import os

import requests

from lib.check import (
    URL,
    blob_in,
    check,
    container_uri,
    device_path,
    equal,
    failure,
    http,
    keys,
    own,
    token,
    true,
    until,
)

SUBSCRIPTION = os.environ["IOTHUB_SUBSCRIPTION"]
TOKEN = os.environ["IOTHUB_ARM_TOKEN"]
GROUP = own("group")
HUB = own("hub")
POLICIES = {
    "iothubowner": "RegistryWrite, ServiceConnect, DeviceConnect",
    "service": "ServiceConnect",
    "device": "DeviceConnect",
    "registryRead": "RegistryRead",
    "registryReadWrite": "RegistryWrite",
}


class Client:
    """What differs between the two clients."""

    models = None
    operations = None
    error = None

    def create(self, name, description, if_match=None):
        """Creates or updates and waits; the hub."""
        raise NotImplementedError

    def delete(self, name):
        """Deletes and waits."""
        raise NotImplementedError

    def check_name(self, name):
        raise NotImplementedError

    def export(self, container, exclude_keys):
        raise NotImplementedError

    def import_(self, source, target):
        raise NotImplementedError

    def status(self, error):
        raise NotImplementedError

    def details(self, error):
        """Code and message that the client read from the provider's error."""
        raise NotImplementedError

    def with_token(self, text):
        """The operations for another bearer token."""
        raise NotImplementedError

    def description(self, **more):
        sku = self.models.IotHubSkuInfo(name="S1", capacity=1)
        return self.models.IotHubDescription(
            location="westeurope", subscriptionid=SUBSCRIPTION, resourcegroup=GROUP, sku=sku, **more
        )

    def refused(self, status, body):
        error = failure(self.error, body)
        equal(self.status(error), status, str(error))
        return error


def value(enum):
    """The text of an enum, or of what the client left as text."""
    return getattr(enum, "value", enum)


def lifecycle(client):
    operations = client.operations

    def free():
        answer = client.check_name(HUB)
        equal(answer.name_available, True)

    check("the name of the hub is free", free)
    check("there is no hub yet: 404", lambda: client.refused(404, lambda: operations.get(GROUP, HUB)))
    check(
        "a hub that is not there is not updated: 412",
        lambda: client.refused(412, lambda: client.create(HUB, client.description(), "*")),
    )

    def create():
        hub = client.create(HUB, client.description(tags={"for": "interop"}))
        equal((hub.name, hub.location, hub.resourcegroup, hub.subscriptionid), (HUB, "westeurope", GROUP, SUBSCRIPTION))
        equal(hub.type.lower(), "microsoft.devices/iothubs")
        equal(
            hub.id.lower(),
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Devices/IotHubs/{HUB}".lower(),
        )
        equal((hub.tags, value(hub.sku.name), hub.sku.capacity), ({"for": "interop"}, "S1", 1))
        equal(value(hub.sku.tier), "Standard")
        equal(hub.properties.provisioning_state, "Succeeded")
        true(hub.properties.host_name.startswith(HUB), "a host name of its own")
        true(hub.etag, "a tag")
        equal(sorted(hub.properties.event_hub_endpoints), ["events", "operationsMonitoringEvents"])
        endpoint = hub.properties.event_hub_endpoints["events"]
        equal(len(endpoint.partition_ids), endpoint.partition_count, "partitions")
        return hub

    hub = check("a hub is created, and the operation followed to its end", create)

    def read():
        found = operations.get(GROUP, HUB)
        equal((found.etag, found.properties.host_name), (hub.etag, hub.properties.host_name))
        equal(found.properties.authorization_policies, None, "keys in the answer to GET")

    check("it is read, without keys", read)

    def taken():
        answer = client.check_name(HUB)
        equal((answer.name_available, value(answer.reason)), (False, "AlreadyExists"))

    check("its name is taken", taken)

    def update():
        before = {rule.key_name: rule.primary_key for rule in operations.list_keys(GROUP, HUB)}
        found = operations.get(GROUP, HUB)
        found.tags = {"for": "interop", "updated": "yes"}
        found.sku.capacity = 2
        found.properties.enable_file_upload_notifications = True
        found.properties.event_hub_endpoints["events"].retention_time_in_days = 3
        found.properties.cloud_to_device.max_delivery_count = 20
        updated = client.create(HUB, found, found.etag)
        equal((updated.tags, updated.sku.capacity), ({"for": "interop", "updated": "yes"}, 2))
        equal(updated.properties.enable_file_upload_notifications, True)
        equal(updated.properties.event_hub_endpoints["events"].retention_time_in_days, 3)
        equal(updated.properties.cloud_to_device.max_delivery_count, 20)
        equal(updated.properties.host_name, hub.properties.host_name)
        true(updated.etag != hub.etag, "another tag")
        equal(
            {rule.key_name: rule.primary_key for rule in operations.list_keys(GROUP, HUB)},
            before,
            "keys that were not sent",
        )
        client.refused(412, lambda: client.create(HUB, found, hub.etag))

    check("what was read is changed and put back; a stale tag: 412", update)

    def unauthorized():
        client.refused(401, lambda: client.with_token("nobody").get(GROUP, HUB))

    check("another bearer token: 401", unauthorized)


def lists(client):
    operations = client.operations
    names = [HUB] + [own(f"hub-{number}") for number in (2, 3, 4)]
    for name in names[1:]:
        client.create(name, client.description())

    def listed():
        equal(sorted(hub.name for hub in operations.list_by_resource_group(GROUP)), sorted(names))
        found = [hub.name for hub in operations.list_by_subscription()]
        true(set(names) <= set(found), f"all hubs among {found}")

    check("four hubs are listed, by group and by subscription, over more than one page", listed)
    for name in names[1:]:
        client.delete(name)


def access(client):
    operations, models = client.operations, client.models

    def policies():
        rules = list(operations.list_keys(GROUP, HUB))
        equal({rule.key_name: value(rule.rights) for rule in rules}, POLICIES)
        for rule in rules:
            keys(rule)
        return {rule.key_name: rule for rule in rules}

    rules = check("five policies are listed with their keys, over more than one page", policies)

    def one():
        rule = operations.get_keys_for_key_name(GROUP, HUB, "service")
        equal((rule.key_name, rule.primary_key), ("service", rules["service"].primary_key))
        client.refused(404, lambda: operations.get_keys_for_key_name(GROUP, HUB, "nobody"))

    check("one policy; an unknown one: 404", one)

    def added():
        hub = operations.get(GROUP, HUB)
        rule = models.SharedAccessSignatureAuthorizationRule(key_name="added", rights="RegistryRead, ServiceConnect")
        hub.properties.authorization_policies = list(operations.list_keys(GROUP, HUB)) + [rule]
        client.create(HUB, hub, hub.etag)
        made = operations.get_keys_for_key_name(GROUP, HUB, "added")
        equal(value(made.rights), "RegistryRead, ServiceConnect")
        keys(made)
        equal(
            operations.get_keys_for_key_name(GROUP, HUB, "service").primary_key,
            rules["service"].primary_key,
            "a key that was there",
        )
        hub = operations.get(GROUP, HUB)
        hub.properties.authorization_policies = [
            rule for rule in operations.list_keys(GROUP, HUB) if rule.key_name != "added"
        ]
        client.create(HUB, hub, hub.etag)
        equal({rule.key_name for rule in operations.list_keys(GROUP, HUB)}, set(POLICIES))

    check("a policy is added, its keys are generated; it is taken away again", added)
    return rules


def facts(client):
    operations = client.operations

    def skus():
        found = {value(item.sku.name): item for item in operations.get_valid_skus(GROUP, HUB)}
        equal(sorted(found), ["S1", "S2", "S3"])
        equal({name: item.capacity.maximum for name, item in found.items()}, {"S1": 200, "S2": 200, "S3": 10})
        equal({value(item.capacity.scale_type) for item in found.values()}, {"Manual"})
        equal(found["S1"].resource_type.lower(), "microsoft.devices/iothubs")

    check("SKUs that the hub could have", skus)

    def quota():
        metrics = {metric.name: metric for metric in operations.get_quota_metrics(GROUP, HUB)}
        true({"TotalMessages", "TotalDeviceCount"} <= set(metrics), f"two metrics among {sorted(metrics)}")
        true(
            metrics["TotalMessages"].max_value >= 400000 and metrics["TotalMessages"].current_value >= 0,
            "messages of a day",
        )

    check("quota", quota)

    def stats():
        found = operations.get_stats(GROUP, HUB)
        equal((found.total_device_count, found.enabled_device_count, found.disabled_device_count), (0, 0, 0))

    check("statistics of a hub without devices", stats)

    def groups():
        path = (GROUP, HUB, "events")
        equal(list(operations.list_event_hub_consumer_groups(*path)), ["$Default"])
        names = [f"group{number}" for number in (1, 2, 3)]
        for name in names:
            equal(operations.create_event_hub_consumer_group(*path, name).name, name)
        equal(sorted(operations.list_event_hub_consumer_groups(*path)), ["$Default", *names])
        equal(operations.get_event_hub_consumer_group(*path, "group2").name, "group2")
        for name in names:
            operations.delete_event_hub_consumer_group(*path, name)
        equal(list(operations.list_event_hub_consumer_groups(*path)), ["$Default"])
        client.refused(404, lambda: operations.get_event_hub_consumer_group(*path, "group2"))
        equal(list(operations.list_event_hub_consumer_groups(GROUP, HUB, "operationsMonitoringEvents")), ["$Default"])

    check("consumer groups are made, listed over more than one page, read, taken away", groups)


def jobs(client, rules):
    operations = client.operations
    name = own("device")
    hub = operations.get(GROUP, HUB).properties.host_name

    def in_hub(method, device_id, body=None):
        """A request of the data plane to the hub that was made here, which its `Host` names."""
        headers = {
            "host": hub,
            "authorization": token(hub, rules["registryReadWrite"].primary_key, "registryReadWrite"),
        }
        return requests.request(
            method, f"{URL}{device_path(device_id)}?api-version=2016-11-14", json=body, headers=headers, timeout=30
        )

    def used():
        answer = in_hub("PUT", name, {"deviceId": name})
        equal(answer.status_code, 200, answer.text)
        equal(operations.get_stats(GROUP, HUB).total_device_count, 1)

    check("the new hub takes devices under its own host name, with its own keys", used)

    container = container_uri(own("devices"))

    def finished(job):
        true(job.job_id, "an id")
        end = until(
            job.job_id,
            lambda: operations.get_job(GROUP, HUB, job.job_id),
            lambda job: value(job.status) in ("completed", "failed", "cancelled"),
        )
        equal(value(end.status), "completed", str(end.failure_reason))
        true(end.start_time_utc is not None and end.end_time_utc is not None, "times that were read")
        return end

    check("no jobs yet", lambda: equal(list(operations.list_jobs(GROUP, HUB)), []))

    def unknown():
        code, message = client.details(client.refused(404, lambda: operations.get_job(GROUP, HUB, "no-such-job")))
        equal(code, "JobNotFound")
        true(message, "a message")

    check("a job that there is not: 404 JobNotFound", unknown)

    def export():
        job = client.export(container, False)
        equal(value(job.type), "export")
        end = finished(job)
        lines = [json.loads(line) for line in http("GET", blob_in(container, "devices.txt")).text.splitlines() if line]
        equal([line["id"] for line in lines], [name])
        true(lines[0]["authentication"]["symmetricKey"]["primaryKey"], "the key")
        true(end.job_id in [listed.job_id for listed in operations.list_jobs(GROUP, HUB)], "the job in the list")

    check("the devices of the hub are exported to a blob", export)

    def without_keys():
        finished(client.export(container, True))
        line = json.loads(http("GET", blob_in(container, "devices.txt")).text)
        true(not ((line.get("authentication") or {}).get("symmetricKey") or {}).get("primaryKey"), "no key")

    check("without keys, if that is asked for", without_keys)

    def read_in():
        lines = [
            {"id": own("import"), "importMode": "create", "status": "disabled"},
            {"id": name, "importMode": "delete"},
        ]
        http(
            "PUT", blob_in(container, "devices.txt"), "\n".join(map(json.dumps, lines)), {"x-ms-blob-type": "BlockBlob"}
        )
        job = client.import_(container, container)
        equal(value(job.type), "import")
        finished(job)
        equal(in_hub("GET", own("import")).json()["status"], "disabled")
        equal(in_hub("GET", name).status_code, 404)
        found = operations.get_stats(GROUP, HUB)
        equal((found.total_device_count, found.disabled_device_count), (1, 1))

    check("devices are imported from a blob", read_in)


def deletion(client):
    def delete():
        client.delete(HUB)
        client.refused(404, lambda: client.operations.get(GROUP, HUB))
        equal(client.check_name(HUB).name_available, True)

    check("the hub is deleted, and the operation followed to its end", delete)
    check("deleting what is not there is no error", lambda: client.delete(HUB))


def provider(client):
    """Everything that the clients do with the resource provider."""
    for hub in list(client.operations.list_by_resource_group(GROUP)):
        client.delete(hub.name)
    lifecycle(client)
    lists(client)
    rules = access(client)
    facts(client)
    jobs(client, rules)
    deletion(client)
