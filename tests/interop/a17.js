// A17: azure-arm-iothub 1.0.1-preview, the Node management client of 2017, api-version 2017-01-19.
'use strict';

const https = require('node:https');
const IotHubClient = require('azure-arm-iothub');
const { TokenCredentials } = require('ms-rest');
const { assert, blobIn, check, containerUri, done, failure, http, owner, token, until } = require('./lib/check');

const subscription = process.env.IOTHUB_SUBSCRIPTION;
const url = `https://${process.env.IOTHUB_HOST}`;
const [group, name] = ['a17-group', 'a17-hub'];

function connect(text) {
  const options = { longRunningOperationRetryTimeout: 1 }; // seconds between two polls
  return new IotHubClient(new TokenCredentials(text), subscription, url, options).iotHubResource;
}

const hubs = connect(process.env.IOTHUB_ARM_TOKEN);
const description = (more = {}) => ({
  location: 'westeurope',
  subscriptionid: subscription,
  resourcegroup: group,
  sku: { name: 'S1', capacity: 1 },
  ...more,
});
const ifMatch = (etag) => ({ customHeaders: { 'If-Match': etag } });

/** All items of a list, following its links with the method for them. */
async function all(method, ...args) {
  const [items, pages] = [[], []];
  let page = await hubs[method](...args);
  for (;;) {
    items.push(...page);
    pages.push(page.length);
    if (!page.nextLink) return { items, pages };
    page = await hubs[`${method}Next`](page.nextLink);
  }
}

async function refused(status, promise) {
  const error = await failure(promise);
  assert.equal(error.statusCode, status, error.stack);
  return error;
}

function assertKeys({ primaryKey, secondaryKey }) {
  for (const key of [primaryKey, secondaryKey]) assert.equal(Buffer.from(key, 'base64').length, 32);
  assert.notEqual(primaryKey, secondaryKey);
}

async function lifecycle() {
  await check('the name of the hub is free', async () =>
    assert.equal((await hubs.checkNameAvailability(name)).nameAvailable, true),
  );
  await check('there is no hub yet: 404', () => refused(404, hubs.get(group, name)));
  await check('a hub that is not there is not updated: 412', () =>
    refused(412, hubs.createOrUpdate(group, name, description(), ifMatch('*'))),
  );

  const hub = await check('a hub is created, and the operation followed to its end', async () => {
    const made = await hubs.createOrUpdate(group, name, description({ tags: { for: 'interop' } }));
    assert.equal(made.name, name);
    assert.equal(made.location, 'westeurope');
    assert.deepEqual(made.tags, { for: 'interop' });
    assert.equal(made.sku.tier, 'Standard');
    assert.equal(made.properties.provisioningState, 'Succeeded');
    assert.ok(made.properties.hostName.startsWith(name));
    assert.ok(made.etag);
    const { events, operationsMonitoringEvents } = made.properties.eventHubEndpoints;
    assert.equal(events.partitionIds.length, events.partitionCount);
    assert.ok(operationsMonitoringEvents);
    return made;
  });

  await check('it is read, without keys; its name is taken', async () => {
    const found = await hubs.get(group, name);
    assert.equal(found.etag, hub.etag);
    assert.equal(found.properties.authorizationPolicies, undefined);
    const answer = await hubs.checkNameAvailability(name);
    assert.equal(answer.nameAvailable, false);
    assert.equal(answer.reason, 'AlreadyExists');
  });

  await check('what was read is changed and put back; a stale tag: 412', async () => {
    const found = await hubs.get(group, name);
    found.tags.updated = 'yes';
    found.sku.capacity = 2;
    found.properties.enableFileUploadNotifications = true;
    found.properties.eventHubEndpoints.events.retentionTimeInDays = 3;
    const updated = await hubs.createOrUpdate(group, name, found, ifMatch(found.etag));
    assert.deepEqual(updated.tags, { for: 'interop', updated: 'yes' });
    assert.equal(updated.sku.capacity, 2);
    assert.equal(updated.properties.enableFileUploadNotifications, true);
    assert.equal(updated.properties.eventHubEndpoints.events.retentionTimeInDays, 3);
    assert.notEqual(updated.etag, hub.etag);
    await refused(412, hubs.createOrUpdate(group, name, found, ifMatch(hub.etag)));
  });

  await check('another bearer token: 401', () => refused(401, connect('nobody').get(group, name)));
}

async function lists() {
  const names = [name, 'a17-hub-2', 'a17-hub-3', 'a17-hub-4'];
  for (const more of names.slice(1)) await hubs.createOrUpdate(group, more, description());
  await check('four hubs are listed, by group and by subscription, over more than one page', async () => {
    const { items, pages } = await all('listByResourceGroup', group);
    assert.deepEqual(items.map((hub) => hub.name).sort(), names);
    assert.ok(pages.length > 1, 'a next link');
    const found = (await all('listBySubscription')).items.map((hub) => hub.name);
    assert.ok(names.every((one) => found.includes(one)));
  });
  for (const more of names.slice(1)) await hubs.deleteMethod(group, more);
}

async function access() {
  const rules = await check('five policies are listed with their keys, over more than one page', async () => {
    const { items, pages } = await all('listKeys', group, name);
    assert.deepEqual(Object.fromEntries(items.map((rule) => [rule.keyName, rule.rights])), {
      iothubowner: 'RegistryWrite, ServiceConnect, DeviceConnect',
      service: 'ServiceConnect',
      device: 'DeviceConnect',
      registryRead: 'RegistryRead',
      registryReadWrite: 'RegistryWrite',
    });
    items.forEach(assertKeys);
    assert.ok(pages.length > 1, 'a next link');
    return Object.fromEntries(items.map((rule) => [rule.keyName, rule]));
  });

  await check('one policy; an unknown one: 404', async () => {
    assert.equal((await hubs.getKeysForKeyName(group, name, 'service')).primaryKey, rules.service.primaryKey);
    await refused(404, hubs.getKeysForKeyName(group, name, 'nobody'));
  });

  await check('a policy is added, its keys are generated; it is taken away again', async () => {
    const put = async (policies) => {
      const hub = await hubs.get(group, name);
      hub.properties.authorizationPolicies = policies;
      await hubs.createOrUpdate(group, name, hub, ifMatch(hub.etag));
    };
    await put([...Object.values(rules), { keyName: 'added', rights: 'RegistryRead, ServiceConnect' }]);
    assertKeys(await hubs.getKeysForKeyName(group, name, 'added'));
    assert.equal((await hubs.getKeysForKeyName(group, name, 'service')).primaryKey, rules.service.primaryKey);
    await put(Object.values(rules));
    assert.equal((await all('listKeys', group, name)).items.length, 5);
  });
  return rules;
}

async function facts() {
  await check('SKUs that the hub could have', async () => {
    const { items } = await all('getValidSkus', group, name);
    assert.deepEqual(Object.fromEntries(items.map((item) => [item.sku.name, item.capacity.maximum])), {
      S1: 200,
      S2: 200,
      S3: 10,
    });
    assert.ok(items.every((item) => item.capacity.scaleType === 'Manual'));
  });

  await check('quota and statistics', async () => {
    const metrics = Object.fromEntries(
      (await all('getQuotaMetrics', group, name)).items.map((metric) => [metric.name, metric]),
    );
    assert.ok(metrics.TotalMessages.maxValue >= 400000);
    assert.equal(metrics.TotalDeviceCount.currentValue, 0);
    assert.equal((await hubs.getStats(group, name)).totalDeviceCount, 0);
  });

  await check('consumer groups are made, listed over more than one page, read, taken away', async () => {
    const path = [group, name, 'events'];
    const names = ['group1', 'group2', 'group3'];
    assert.deepEqual((await all('listEventHubConsumerGroups', ...path)).items, ['$Default']);
    for (const one of names) assert.equal((await hubs.createEventHubConsumerGroup(...path, one)).name, one);
    const { items, pages } = await all('listEventHubConsumerGroups', ...path);
    assert.deepEqual(items.sort(), ['$Default', ...names]);
    assert.ok(pages.length > 1, 'a next link');
    assert.equal((await hubs.getEventHubConsumerGroup(...path, 'group2')).name, 'group2');
    for (const one of names) await hubs.deleteEventHubConsumerGroup(...path, one);
    await refused(404, hubs.getEventHubConsumerGroup(...path, 'group2'));
  });
}

async function jobs(rules) {
  const { hostName } = (await hubs.get(group, name)).properties;
  const device = 'a17-device';

  // A request of the data plane to the hub that was made here, which its `Host` names. `fetch` would not set that header.
  const inHub = (method, id, body) =>
    new Promise((resolve, reject) => {
      const headers = {
        host: hostName,
        authorization: token(hostName, rules.registryReadWrite.primaryKey, 'registryReadWrite'),
        'content-type': 'application/json',
      };
      const request = https.request(
        `${url}/devices/${id}?api-version=2016-11-14`,
        { method, headers, servername: owner.HostName },
        (answer) => {
          let text = '';
          answer.on('data', (part) => (text += part));
          answer.on('end', () => resolve({ status: answer.statusCode, text }));
        },
      );
      request.on('error', reject);
      request.end(body && JSON.stringify(body));
    });

  await check('the new hub takes devices under its own host name, with its own keys', async () => {
    const { status, text } = await inHub('PUT', device, { deviceId: device });
    assert.equal(status, 200, text);
    assert.equal((await hubs.getStats(group, name)).totalDeviceCount, 1);
  });

  const container = await containerUri('a17-devices');
  const list = blobIn(container, 'devices.txt');

  async function finished({ jobId }) {
    const end = await until(
      jobId,
      () => hubs.getJob(group, name, jobId),
      (job) => ['completed', 'failed', 'cancelled'].includes(job.status),
    );
    assert.equal(end.status, 'completed', end.failureReason);
    assert.ok(end.startTimeUtc instanceof Date && end.endTimeUtc instanceof Date);
  }

  await check('no jobs yet; one that there is not: 404 JobNotFound', async () => {
    assert.deepEqual((await all('listJobs', group, name)).items, []);
    const error = await refused(404, hubs.getJob(group, name, 'no-such-job'));
    assert.match(error.response.body, /"Code":"JobNotFound"/);
  });

  await check('the devices of the hub are exported to a blob', async () => {
    const job = await hubs.exportDevices(group, name, { exportBlobContainerUri: container, excludeKeys: false });
    assert.equal(job.type, 'export');
    await finished(job);
    const lines = (await http('GET', list))
      .toString()
      .split(/\r?\n/)
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map((line) => line.id),
      [device],
    );
    assert.ok((await all('listJobs', group, name)).items.some((listed) => listed.jobId === job.jobId));
  });

  await check('devices are imported from a blob', async () => {
    const lines = [
      { id: 'a17-import', importMode: 'create', status: 'disabled' },
      { id: device, importMode: 'delete' },
    ];
    await http('PUT', list, {
      headers: { 'x-ms-blob-type': 'BlockBlob' },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    });
    await finished(
      await hubs.importDevices(group, name, { inputBlobContainerUri: container, outputBlobContainerUri: container }),
    );
    assert.equal(JSON.parse((await inHub('GET', 'a17-import')).text).status, 'disabled');
    assert.equal((await inHub('GET', device)).status, 404);
  });
}

async function deletion() {
  await check('the hub is deleted, and the operation followed to its end', async () => {
    await hubs.deleteMethod(group, name);
    await refused(404, hubs.get(group, name));
    assert.equal((await hubs.checkNameAvailability(name)).nameAvailable, true);
  });
  await check('deleting what is not there is no error', () => hubs.deleteMethod(group, name));
}

async function main() {
  for (const hub of (await all('listByResourceGroup', group)).items) await hubs.deleteMethod(group, hub.name);
  await lifecycle();
  await lists();
  const rules = await access();
  await facts();
  await jobs(rules);
  await deletion();
  done();
}

main();
