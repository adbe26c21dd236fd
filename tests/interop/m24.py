"""M24: azure-mgmt-iothub 2.4.0, the Python management client of today, set to api-version 2017-01-19."""

import json

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.mgmt.iothub import IotHubClient

from lib import arm
from lib.check import URL, done

VERSION = "2017-01-19"


class Token:
    def __init__(self, text):
        self.text = text

    def get_token(self, *_scopes, **_options):
        return AccessToken(self.text, 1 << 40)


def connect(token):
    return IotHubClient(
        Token(token), arm.SUBSCRIPTION, api_version=VERSION, base_url=URL, polling_interval=1
    ).iot_hub_resource


class M24(arm.Client):
    models = IotHubClient.models(VERSION)
    operations = connect(arm.TOKEN)
    error = HttpResponseError

    def create(self, name, description, if_match=None):
        headers = {"If-Match": if_match} if if_match else {}
        return self.operations.begin_create_or_update(arm.GROUP, name, description, headers=headers).result()

    def delete(self, name):
        self.operations.begin_delete(arm.GROUP, name).result()

    def check_name(self, name):
        return self.operations.check_name_availability(self.models.OperationInputs(name=name))

    def export(self, container, exclude_keys):
        request = self.models.ExportDevicesRequest(export_blob_container_uri=container, exclude_keys=exclude_keys)
        return self.operations.export_devices(arm.GROUP, arm.HUB, request)

    def import_(self, source, target):
        request = self.models.ImportDevicesRequest(input_blob_container_uri=source, output_blob_container_uri=target)
        return self.operations.import_devices(arm.GROUP, arm.HUB, request)

    def status(self, error):
        return error.status_code

    def details(self, error):
        # The client makes a class of its own of a 404, and reads the provider's form of errors for other answers only.
        answer = json.loads(error.response.text())
        return answer["Code"], answer["Message"]

    def with_token(self, text):
        return connect(text)


arm.provider(M24())
done()
