"""M17: azure-mgmt-iothub 0.3.0, the Python management client of 2017, api-version 2017-01-19."""

from azure.mgmt.iothub import IotHubClient, models
from msrest.authentication import BasicTokenAuthentication
from msrest.exceptions import HttpOperationError
from msrestazure.azure_exceptions import CloudError

from lib import arm
from lib.check import URL, check, done, equal, own, true, until


def connect(token):
    hubs = IotHubClient(BasicTokenAuthentication({"access_token": token}), arm.SUBSCRIPTION, base_url=URL)
    hubs.config.long_running_operation_timeout = 1  # seconds between two polls, where the hub says nothing
    return hubs.iot_hub_resource


class M17(arm.Client):
    models = models
    operations = connect(arm.TOKEN)
    error = (CloudError, HttpOperationError)

    def create(self, name, description, if_match=None):
        headers = {"IF-MATCH": if_match} if if_match else None
        return self.operations.create_or_update(arm.GROUP, name, description, headers).result()

    def delete(self, name):
        self.operations.delete(arm.GROUP, name).result()

    def check_name(self, name):
        return self.operations.check_name_availability(name)

    def export(self, container, exclude_keys):
        return self.operations.export_devices(arm.GROUP, arm.HUB, container, exclude_keys)

    def import_(self, source, target):
        return self.operations.import_devices(arm.GROUP, arm.HUB, source, target)

    def status(self, error):
        return error.response.status_code

    def details(self, error):
        return error.error.code, error.error.message

    def with_token(self, text):
        return connect(text)


def first_answer():
    """What the hub says at once to a PUT and to a DELETE, and the client follows otherwise."""
    hub, client = own("raw"), M17()
    answer = client.operations.create_or_update(arm.GROUP, hub, client.description(), raw=True).response
    equal(answer.status_code, 201)
    true(
        answer.headers["Azure-AsyncOperation"].startswith(URL)
        and answer.headers["Azure-AsyncOperation"].endswith("&asyncinfo"),
        "where to poll",
    )
    true("Location" not in answer.headers, "no Location")
    until(
        "the new hub",
        lambda: client.operations.get(arm.GROUP, hub).properties.provisioning_state,
        lambda state: state == "Succeeded",
    )
    answer = client.operations.delete(arm.GROUP, hub, raw=True).response
    equal((answer.status_code, answer.text), (202, "null"))
    equal(answer.headers["Azure-AsyncOperation"], answer.headers["Location"] + "&asyncinfo")
    true(int(answer.headers["Retry-After"]) >= 0, "when to poll")
    client.delete(hub)


arm.provider(M17())
check("PUT is answered with 201, DELETE with 202, and both with the place to poll", first_answer)
done()
