// The service clients of both Node SDKs, 2017 and today: their callbacks have stayed the same.
'use strict';

const {
  assert,
  blobIn,
  call,
  check,
  client,
  containerUri,
  failure,
  http,
  owner,
  scriptMethod,
  token,
  until,
} = require('./check');

const DAY_MS = 86_400_000;
const own = (name) => `${client}-${name}`;

/** Fails unless the service client raised the class that stands for this answer. */
function assertRaised(error, name, status) {
  assert.equal(error.name, name, `${error.name}: ${error.message} ${error.responseBody}`);
  assert.equal(error.response.statusCode, status);
  assert.ok(error.message.length > 0);
}

/** An error's answer, in the one form of which the clients read class and text. */
function assertErrorBody(error) {
  const body = JSON.parse(error.responseBody);
  assert.match(body.Message, /^ErrorCode:[A-Za-z]+;[^;]+$/);
  assert.ok('ExceptionMessage' in body);
}

function assertKeys({ primaryKey, secondaryKey }) {
  for (const key of [primaryKey, secondaryKey]) assert.equal(Buffer.from(key, 'base64').length, 32);
  assert.notEqual(primaryKey, secondaryKey);
}

async function identities(registry, oddId) {
  const id = own('identity');

  const created = await check('a device is created from its id alone, with keys', async () => {
    const [device, response] = await call(registry, 'create', { deviceId: id });
    assert.equal(response.statusCode, 200);
    assert.equal(device.deviceId, id);
    assert.equal(device.status, 'enabled');
    assert.equal(device.connectionState, 'Disconnected');
    assert.equal(device.statusReason, null);
    assert.equal(Number(device.cloudToDeviceMessageCount), 0);
    assert.match(device.generationId, /^\d{18}$/);
    assert.equal(response.headers.etag, `"${device.etag}"`);
    assertKeys(device.authentication.symmetricKey);
    assert.equal(device.authentication.x509Thumbprint.primaryThumbprint, null);
    return device;
  });

  await check('creating it again: DeviceAlreadyExistsError', async () => {
    const error = await failure(call(registry, 'create', { deviceId: id }));
    assertRaised(error, 'DeviceAlreadyExistsError', 409);
    assertErrorBody(error);
    assert.equal(error.response.headers['iothub-errorcode'], 'DeviceAlreadyExists');
  });

  await check('it is read as it was created, with its tag in the header', async () => {
    const [device, response] = await call(registry, 'get', id);
    assert.deepEqual(JSON.parse(JSON.stringify(device)), JSON.parse(JSON.stringify(created)));
    assert.equal(response.headers.etag, `"${device.etag}"`);
    assert.match(response.headers['content-type'], /^application\/json/);
  });

  const disabled = await check('an update of what was read changes the tag, not generation and keys', async () => {
    const [device] = await call(registry, 'get', id);
    device.status = 'disabled';
    device.statusReason = 'in the workshop';
    const [updated, response] = await call(registry, 'update', device);
    assert.equal(response.statusCode, 200);
    assert.equal(updated.status, 'disabled');
    assert.equal(updated.statusReason, 'in the workshop');
    assert.equal(updated.generationId, created.generationId);
    assert.notEqual(updated.etag, created.etag);
    assert.equal(updated.authentication.symmetricKey.primaryKey, created.authentication.symmetricKey.primaryKey);
    assert.equal(updated.authentication.symmetricKey.secondaryKey, created.authentication.symmetricKey.secondaryKey);
    return updated;
  });

  await check('keys are changed by an update', async () => {
    const [primaryKey, secondaryKey] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)].map((key) => key.toString('base64'));
    const [updated] = await call(registry, 'update', {
      deviceId: id,
      status: 'enabled',
      authentication: { symmetricKey: { primaryKey, secondaryKey } },
    });
    assert.equal(updated.authentication.symmetricKey.primaryKey, primaryKey);
    assert.equal(updated.authentication.symmetricKey.secondaryKey, secondaryKey);
    assert.equal(updated.status, 'enabled');
    assert.notEqual(updated.etag, disabled.etag);
  });

  await check('thumbprints stand in place of keys', async () => {
    const thumbprint = 'A'.repeat(40);
    const [device] = await call(registry, 'create', {
      deviceId: own('thumbprint'),
      authentication: { x509Thumbprint: { primaryThumbprint: thumbprint, secondaryThumbprint: null } },
    });
    assert.equal(device.authentication.x509Thumbprint.primaryThumbprint, thumbprint);
    assert.equal(device.authentication.symmetricKey.primaryKey, null);
    assert.equal(device.authentication.symmetricKey.secondaryKey, null);
    await call(registry, 'delete', own('thumbprint'));
  });

  await check(`ids keep every character that is allowed: ${oddId}`, async () => {
    const [device] = await call(registry, 'create', { deviceId: oddId });
    assert.equal(device.deviceId, oddId);
    assert.equal((await call(registry, 'get', oddId))[0].deviceId, oddId);
    assert.equal((await call(registry, 'update', device))[0].deviceId, oddId);
    assert.equal((await call(registry, 'getTwin', oddId))[0].deviceId, oddId);
    assert.ok((await call(registry, 'list'))[0].some((listed) => listed.deviceId === oddId));
    await call(registry, 'delete', oddId);
  });

  await check('ids are told apart by case', async () => {
    assertRaised(await failure(call(registry, 'get', id.toUpperCase())), 'DeviceNotFoundError', 404);
  });

  await check('an id with a character that is not allowed: ArgumentError', async () => {
    assertRaised(await failure(call(registry, 'create', { deviceId: own('a&b') })), 'ArgumentError', 400);
  });

  await check('the list holds the device', async () => {
    const [devices, response] = await call(registry, 'list');
    assert.equal(response.statusCode, 200);
    assert.equal(devices.find((device) => device.deviceId === id).generationId, created.generationId);
  });

  await check('statistics add up', async () => {
    const [statistics] = await call(registry, 'getRegistryStatistics');
    assert.equal(statistics.totalDeviceCount, statistics.enabledDeviceCount + statistics.disabledDeviceCount);
    assert.ok(statistics.totalDeviceCount >= 1);
  });

  await check('an update of what is missing is refused', async () => {
    const error = await failure(call(registry, 'update', { deviceId: own('missing') }));
    assert.ok(['DeviceNotFoundError', 'InvalidEtagError'].includes(error.name), error.name);
  });

  await check('deleted with 204; then get and delete: DeviceNotFoundError', async () => {
    const [, response] = await call(registry, 'delete', id);
    assert.equal(response.statusCode, 204);
    for (const method of ['get', 'delete']) {
      const error = await failure(call(registry, method, id));
      assertRaised(error, 'DeviceNotFoundError', 404);
      assertErrorBody(error);
    }
  });

  await check('made anew, it is of another generation', async () => {
    const [device] = await call(registry, 'create', { deviceId: id });
    assert.notEqual(device.generationId, created.generationId);
    await call(registry, 'delete', id);
  });
}

async function authentication({ Registry, JobClient }) {
  const { HostName, SharedAccessKey, SharedAccessKeyName } = owner;

  await check('a token instead of a connection string is taken', async () => {
    const registry = Registry.fromSharedAccessSignature(token(HostName, SharedAccessKey, SharedAccessKeyName));
    await call(registry, 'getRegistryStatistics');
  });

  const refused = {
    'another key': `HostName=${HostName};SharedAccessKeyName=${SharedAccessKeyName};SharedAccessKey=${Buffer.alloc(32, 9).toString('base64')}`,
    'an unknown policy': `HostName=${HostName};SharedAccessKeyName=nobody;SharedAccessKey=${SharedAccessKey}`,
  };
  for (const [what, connectionString] of Object.entries(refused)) {
    await check(`${what}: UnauthorizedError`, async () => {
      const error = await failure(call(Registry.fromConnectionString(connectionString), 'get', own('any')));
      assertRaised(error, 'UnauthorizedError', 401);
      assertErrorBody(error);
      assertRaised(
        await failure(call(JobClient.fromConnectionString(connectionString), 'getJob', own('any'))),
        'UnauthorizedError',
        401,
      );
    });
  }

  await check('a token that has expired: UnauthorizedError', async () => {
    const registry = Registry.fromSharedAccessSignature(token(HostName, SharedAccessKey, SharedAccessKeyName, -5));
    assertRaised(await failure(call(registry, 'get', own('any'))), 'UnauthorizedError', 401);
  });
}

async function bulk(registry) {
  const ids = [1, 2, 3].map((number) => own(`bulk-${number}`));
  const exists = async (id) => (await call(registry, 'list'))[0].some((device) => device.deviceId === id);

  // A result that reports failures may come with 200, or with 400 and then as an error that holds the same body.
  async function mixed(operation) {
    let result;
    try {
      [result] = await operation;
    } catch (error) {
      assertRaised(error, 'ArgumentError', 400);
      result = JSON.parse(error.responseBody);
    }
    assert.equal(result.isSuccessful, false);
    return result.errors;
  }

  await check('three devices are added at once', async () => {
    const [result] = await call(
      registry,
      'addDevices',
      ids.map((deviceId) => ({ deviceId })),
    );
    assert.equal(result.isSuccessful, true);
    assert.deepEqual(result.errors, []);
    for (const id of ids) assertKeys((await call(registry, 'get', id))[0].authentication.symmetricKey);
  });

  await check('one that is there already fails alone, and is named', async () => {
    const errors = await mixed(call(registry, 'addDevices', [{ deviceId: ids[0] }, { deviceId: own('bulk-4') }]));
    assert.equal(errors.length, 1);
    assert.equal(errors[0].deviceId, ids[0]);
    assert.ok(['DeviceAlreadyExists', 409001].includes(errors[0].errorCode), String(errors[0].errorCode));
    assert.ok(await exists(own('bulk-4')));
  });

  await check('updated at once, by force', async () => {
    const devices = await Promise.all(ids.map(async (id) => (await call(registry, 'get', id))[0]));
    const [result] = await call(
      registry,
      'updateDevices',
      devices.map((device) => ({ ...device, status: 'disabled' })),
      true,
    );
    assert.equal(result.isSuccessful, true);
    for (const [at, id] of ids.entries()) {
      const [device] = await call(registry, 'get', id);
      assert.equal(device.status, 'disabled');
      assert.equal(device.authentication.symmetricKey.primaryKey, devices[at].authentication.symmetricKey.primaryKey);
    }
  });

  await check('updated by tag: the stale one fails alone', async () => {
    const devices = await Promise.all(ids.map(async (id) => (await call(registry, 'get', id))[0]));
    const errors = await mixed(
      call(
        registry,
        'updateDevices',
        devices.map((device, at) => ({ ...device, status: 'enabled', etag: at === 1 ? 'OTk5' : device.etag })),
        false,
      ),
    );
    assert.deepEqual(
      errors.map((error) => error.deviceId),
      [ids[1]],
    );
    assert.deepEqual(await Promise.all(ids.map(async (id) => (await call(registry, 'get', id))[0].status)), [
      'enabled',
      'disabled',
      'enabled',
    ]);
  });

  await check('removed by tag: the stale one stays', async () => {
    const [device] = await call(registry, 'get', ids[0]);
    const errors = await mixed(
      call(
        registry,
        'removeDevices',
        [
          { deviceId: ids[0], etag: device.etag },
          { deviceId: ids[1], etag: 'OTk5' },
        ],
        false,
      ),
    );
    assert.deepEqual(
      errors.map((error) => error.deviceId),
      [ids[1]],
    );
    assert.equal(await exists(ids[0]), false);
    assert.equal(await exists(ids[1]), true);
  });

  await check('removed by force; what is missing is named', async () => {
    const [result] = await call(
      registry,
      'removeDevices',
      [ids[1], ids[2], own('bulk-4')].map((deviceId) => ({ deviceId })),
      true,
    );
    assert.equal(result.isSuccessful, true);
    const errors = await mixed(call(registry, 'removeDevices', [{ deviceId: ids[1] }], true));
    assert.deepEqual(
      errors.map((error) => error.deviceId),
      [ids[1]],
    );
  });
}

async function twins(registry) {
  const id = own('twin');
  await call(registry, 'create', { deviceId: id });

  const first = await check('a new device has a twin', async () => {
    const [twin] = await call(registry, 'getTwin', id);
    assert.equal(twin.deviceId, id);
    assert.equal(typeof twin.version, 'number');
    assert.ok(twin.etag && twin.etag !== '*');
    assert.equal(typeof twin.properties.desired.$version, 'number');
    assert.equal(typeof twin.properties.reported.$version, 'number');
    assert.match(twin.properties.desired.$metadata.$lastUpdated, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
    return { ...twin };
  });

  const twin = await check('tags and desired properties are set', async () => {
    const [read] = await call(registry, 'getTwin', id);
    const [updated, response] = await call(read, 'update', {
      tags: { building: { floor: 2, room: 'b' } },
      properties: { desired: { speed: 10, nested: { deep: { on: true } } } },
    });
    assert.equal(response.statusCode, 200);
    assert.deepEqual(updated.tags, { building: { floor: 2, room: 'b' } });
    assert.equal(updated.properties.desired.speed, 10);
    assert.equal(updated.properties.desired.nested.deep.on, true);
    assert.notEqual(updated.etag, first.etag);
    assert.equal(updated.properties.desired.$version, first.properties.desired.$version + 1);
    const { $metadata } = updated.properties.desired;
    assert.equal(typeof $metadata.speed.$lastUpdated, 'string');
    assert.equal(typeof $metadata.nested.deep.on.$lastUpdated, 'string');
    assert.equal($metadata.speed.$lastUpdatedVersion, updated.properties.desired.$version);
    return updated;
  });

  await check('patches merge at every depth, and null removes', async () => {
    const [updated] = await call(twin, 'update', {
      tags: { building: { room: null }, colour: 'red' },
      properties: { desired: { nested: { deep: { on: null, level: 3 } }, speed: null } },
    });
    assert.deepEqual(updated.tags, { building: { floor: 2 }, colour: 'red' });
    assert.deepEqual(updated.properties.desired.nested, { deep: { level: 3 } });
    assert.equal('speed' in updated.properties.desired, false);
    assert.equal('speed' in updated.properties.desired.$metadata, false);
    const [read] = await call(registry, 'getTwin', id);
    assert.deepEqual(JSON.parse(JSON.stringify(read.properties)), JSON.parse(JSON.stringify(updated.properties)));
    assert.ok(read.version > first.version);
  });

  await check('a stale tag: InvalidEtagError', async () => {
    const error = await failure(call(registry, 'updateTwin', id, { tags: { colour: 'blue' } }, first.etag));
    assertRaised(error, 'InvalidEtagError', 412);
    assertErrorBody(error);
    assert.equal((await call(registry, 'getTwin', id))[0].tags.colour, 'red');
  });

  await check('the tag * matches whatever is there', async () => {
    const [updated] = await call(registry, 'updateTwin', id, { tags: { colour: 'green' } }, '*');
    assert.equal(updated.tags.colour, 'green');
    const [again] = await call(updated, 'get');
    assert.equal(again.etag, updated.etag);
  });

  await check('what is not ASCII goes there and back', async () => {
    // The client of 2017 counts characters instead of bytes: escapes keep the two the same.
    const body = '{"tags":{"name":"K\\u00fcche \\u2603"}}';
    const [updated] = await call(registry, 'updateTwin', id, body, '*');
    assert.equal(updated.tags.name, 'Küche ☃');
  });

  await check('tags that are no object: ArgumentError', async () => {
    assertRaised(await failure(call(registry, 'updateTwin', id, { tags: 'red' }, '*')), 'ArgumentError', 400);
  });

  await check('the twin of no device: DeviceNotFoundError', async () => {
    assertRaised(await failure(call(registry, 'getTwin', own('missing'))), 'DeviceNotFoundError', 404);
    assertRaised(
      await failure(call(registry, 'updateTwin', own('missing'), { tags: {} }, '*')),
      'DeviceNotFoundError',
      404,
    );
  });

  await check("the identity's tag is another than the twin's", async () => {
    const [device] = await call(registry, 'get', id);
    const [read] = await call(registry, 'getTwin', id);
    assert.notEqual(device.etag, read.etag);
  });

  await call(registry, 'delete', id);
}

async function queries(registry) {
  const ids = [1, 2, 3, 4, 5].map((number) => own(`query-${number}`));
  const where = `tags.owner = '${client}'`;
  await call(
    registry,
    'addDevices',
    ids.map((deviceId) => ({ deviceId })),
  );
  for (const [at, id] of ids.entries()) {
    await call(
      registry,
      'updateTwin',
      id,
      { tags: { owner: client, odd: at % 2 === 0, floor: at }, properties: { desired: { limit: at * 1.5 } } },
      '*',
    );
  }
  const all = async (sql, size, next = 'next') => {
    const query = registry.createQuery(sql, size);
    const pages = [];
    while (query.hasMoreResults) pages.push((await call(query, next))[0]);
    return pages;
  };

  await check('five twins come in pages of two, and no more', async () => {
    const pages = await all(`SELECT * FROM devices WHERE ${where}`, 2, 'nextAsTwin');
    assert.deepEqual(pages.map((page) => page.length).filter(Boolean), [2, 2, 1]);
    assert.deepEqual(
      pages
        .flat()
        .map((twin) => twin.deviceId)
        .sort(),
      ids,
    );
  });

  await check('the answer names the kind of its items', async () => {
    const [page, response] = await call(registry.createQuery(`SELECT * FROM devices WHERE ${where}`, 100), 'next');
    assert.equal(page.length, 5);
    assert.equal(response.headers['x-ms-item-type'].toLowerCase(), 'twin');
    assert.equal('x-ms-continuation' in response.headers, false);
  });

  await check('without a page size, all come in the end', async () => {
    assert.equal((await all(`SELECT * FROM devices WHERE ${where}`)).flat().length, 5);
  });

  await check('a continuation goes on where it was, in another query too', async () => {
    const sql = `SELECT * FROM devices WHERE ${where}`;
    const query = registry.createQuery(sql, 3);
    const [before] = await call(query, 'nextAsTwin');
    const [after] = await call(registry.createQuery(sql, 3), 'nextAsTwin', query.continuationToken);
    assert.deepEqual([...before, ...after].map((twin) => twin.deviceId).sort(), ids);
  });

  await check('twins that were found can be updated', async () => {
    const [[twin]] = await call(
      registry.createQuery(`SELECT * FROM devices WHERE deviceId = '${ids[0]}'`),
      'nextAsTwin',
    );
    const [updated] = await call(twin, 'update', { tags: { found: true } });
    assert.equal(updated.tags.found, true);
  });

  const found = async (condition) =>
    (await all(`SELECT * FROM devices WHERE ${where} AND ${condition}`))
      .flat()
      .map((twin) => ids.indexOf(twin.deviceId))
      .sort();
  const conditions = [
    ['tags.odd = true', [0, 2, 4]],
    ['tags.floor >= 1 AND tags.floor < 3', [1, 2]],
    ['(tags.floor = 0 OR tags.floor = 4)', [0, 4]],
    ['NOT (tags.odd = true)', [1, 3]],
    ['tags.floor IN [1, 4, 9]', [1, 4]],
    [`deviceId IN ['${ids[3]}', '${ids[1]}']`, [1, 3]],
    ['properties.desired.limit > 3', [3, 4]],
    ['tags.floor <> 2', [0, 1, 3, 4]],
    ['is_defined(tags.found)', [0]],
    ["status = 'disabled'", []],
  ];
  for (const [condition, expected] of conditions) {
    await check(`WHERE ${condition}`, async () => assert.deepEqual(await found(condition), expected));
  }

  await check('a projection gives what was asked for', async () => {
    const rows = (
      await all(`SELECT deviceId, tags.floor AS floor FROM devices WHERE ${where} AND tags.floor = 3`)
    ).flat();
    assert.equal(rows.length, 1);
    assert.equal(rows[0].deviceId, ids[3]);
    assert.equal(rows[0].floor, 3);
  });

  await check('groups are counted', async () => {
    const rows = (
      await all(`SELECT tags.odd AS odd, COUNT() AS number FROM devices WHERE ${where} GROUP BY tags.odd`)
    ).flat();
    assert.deepEqual(Object.fromEntries(rows.map((row) => [row.odd, row.number])), { true: 3, false: 2 });
  });

  await check('nothing found is an empty page', async () => {
    assert.deepEqual(await all("SELECT * FROM devices WHERE tags.owner = 'nobody at all'", 10), [[]]);
  });

  await check('a query that is none: ArgumentError', async () => {
    for (const sql of ['SELECT * FROM devices WHERE', 'SELECT FROM', 'DELETE FROM devices']) {
      const error = await failure(call(registry.createQuery(sql), 'next'));
      assertRaised(error, 'ArgumentError', 400);
      assertErrorBody(error);
    }
  });

  await call(
    registry,
    'removeDevices',
    ids.map((deviceId) => ({ deviceId })),
    true,
  );
}

async function methods(registry, service) {
  const id = own('method');
  await call(registry, 'create', { deviceId: id });

  await check('a method of a device that is not there to answer is refused', async () => {
    const error = await failure(
      call(service, 'invokeDeviceMethod', id, { methodName: 'reboot', responseTimeoutInSeconds: 5 }),
    );
    assert.equal(error.response.statusCode, 404);
    assert.equal(error.name, 'Error');
    assert.match(JSON.parse(error.responseBody).Message, /^ErrorCode:DeviceNotOnline;/);
  });

  for (const [what, payload] of Object.entries({
    'an object': { left: [1, 2], text: 'ü' },
    null: null,
    'a text': 'done',
    'a number': 4.5,
    'a list': [{}, null],
    false: false,
  })) {
    await check(`a method answers ${what}`, async () => {
      await scriptMethod(id, 'reboot', 207, payload);
      const [result, response] = await call(service, 'invokeDeviceMethod', id, {
        methodName: 'reboot',
        payload: { delay: 5 },
        responseTimeoutInSeconds: 15,
        connectTimeoutInSeconds: 5,
      });
      assert.equal(response.statusCode, 200);
      assert.deepEqual(result, { status: 207, payload });
    });
  }

  await check('a method without a payload', async () => {
    assert.equal((await call(service, 'invokeDeviceMethod', id, { methodName: 'reboot' }))[0].status, 207);
  });

  await check('a method of no device: DeviceNotFoundError', async () => {
    assertRaised(
      await failure(call(service, 'invokeDeviceMethod', own('missing'), { methodName: 'reboot' })),
      'DeviceNotFoundError',
      404,
    );
  });

  await call(registry, 'delete', id);
}

async function jobs(registry, jobClient) {
  const ids = [1, 2].map((number) => own(`job-${number}`));
  const where = `tags.jobs = '${client}'`;
  const run = Date.now().toString(36);
  const jobId = (name) => own(`${name}-${run}`);
  const finished = (id) =>
    until(
      `job ${id}`,
      async () => (await call(jobClient, 'getJob', id))[0],
      (job) => ['completed', 'failed', 'cancelled'].includes(job.status),
    );
  await call(
    registry,
    'addDevices',
    ids.map((deviceId) => ({ deviceId })),
  );
  for (const id of ids) await call(registry, 'updateTwin', id, { tags: { jobs: client } }, '*');

  await check('a job updates the twins of a query', async () => {
    const id = jobId('twins');
    const patch = { etag: '*', tags: { updated: run }, properties: { desired: { interval: 7 } } };
    const [job, response] = await call(jobClient, 'scheduleTwinUpdate', id, where, patch, new Date(), 300);
    assert.equal(response.statusCode, 200);
    assert.equal(job.jobId, id);
    assert.equal(job.type, 'scheduleUpdateTwin');
    assert.equal(job.queryCondition, where);
    assert.equal(job.maxExecutionTimeInSeconds, 300);
    assert.ok(!Number.isNaN(Date.parse(job.createdTime)) && !Number.isNaN(Date.parse(job.startTime)));
    const end = await finished(id);
    assert.equal(end.status, 'completed');
    const { deviceCount, succeededCount, failedCount } = end.deviceJobStatistics;
    assert.deepEqual(
      { deviceCount, succeededCount, failedCount },
      { deviceCount: 2, succeededCount: 2, failedCount: 0 },
    );
    for (const device of ids) {
      const [twin] = await call(registry, 'getTwin', device);
      assert.equal(twin.tags.updated, run);
      assert.equal(twin.properties.desired.interval, 7);
    }
  });

  await check('a job calls a method of the devices of a query', async () => {
    const id = jobId('methods');
    for (const device of ids) await scriptMethod(device, 'blink', 200, { ok: true });
    const [job] = await call(
      jobClient,
      'scheduleDeviceMethod',
      id,
      `deviceId IN ['${ids.join("','")}']`,
      { methodName: 'blink', payload: { times: 3 }, responseTimeoutInSeconds: 10 },
      new Date(),
      300,
    );
    assert.equal(job.type, 'scheduleDeviceMethod');
    const end = await finished(id);
    assert.equal(end.status, 'completed');
    assert.equal(end.deviceJobStatistics.succeededCount, 2);
  });

  await check('what the jobs did with each device is asked for', async () => {
    const [rows] = await call(
      registry.createQuery(`SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${jobId('twins')}'`, 100),
      'next',
    );
    assert.deepEqual(rows.map((row) => row.deviceId).sort(), ids);
    for (const row of rows) assert.equal(row.jobId, jobId('twins'));
  });

  await check('a job for later waits, and is cancelled', async () => {
    const id = jobId('later');
    const [job] = await call(
      jobClient,
      'scheduleTwinUpdate',
      id,
      where,
      { etag: '*', tags: { updated: 'never' } },
      new Date(Date.now() + DAY_MS),
      60,
    );
    assert.ok(['scheduled', 'queued', 'enqueued'].includes(job.status), job.status);
    const [cancelled, response] = await call(jobClient, 'cancelJob', id);
    assert.equal(response.statusCode, 200);
    assert.equal(cancelled.jobId, id);
    assert.equal((await finished(id)).status, 'cancelled');
    assert.equal((await call(registry, 'getTwin', ids[0]))[0].tags.updated, run);
  });

  await check('jobs are listed by type and status, page by page', async () => {
    const list = async (type, status, size) => {
      const query = jobClient.createQuery(type, status, size);
      const pages = [];
      while (query.hasMoreResults) pages.push((await call(query, 'next'))[0]);
      if (size) assert.ok(pages.every((page) => page.length <= size));
      return pages
        .flat()
        .map((job) => job.jobId)
        .filter((id) => id.startsWith(`${client}-`) && id.endsWith(run))
        .sort();
    };
    assert.deepEqual(await list('scheduleUpdateTwin', 'completed', 1), [jobId('twins')]);
    assert.deepEqual(await list('scheduleUpdateTwin', 'cancelled', 2), [jobId('later')]);
    assert.deepEqual(await list('scheduleDeviceMethod', 'completed'), [jobId('methods')]);
    assert.deepEqual(await list(undefined, undefined, 1), ['later', 'methods', 'twins'].map(jobId));
  });

  await check('an id is used once', async () => {
    const error = await failure(
      call(jobClient, 'scheduleTwinUpdate', jobId('twins'), where, { etag: '*', tags: {} }, new Date(), 60),
    );
    assert.ok([400, 409].includes(error.response.statusCode));
  });

  await check('a job that there is not: an error', async () => {
    for (const method of ['getJob', 'cancelJob']) {
      const error = await failure(call(jobClient, method, own('no-such-job')));
      assert.equal(error.response.statusCode, 404);
      assert.match(JSON.parse(error.responseBody).Message, /^ErrorCode:JobNotFound;/);
    }
  });

  await call(
    registry,
    'removeDevices',
    ids.map((deviceId) => ({ deviceId })),
    true,
  );
}

async function importAndExport(registry) {
  const id = own('export');
  const [device] = await call(registry, 'create', { deviceId: id });
  const container = await containerUri(own('devices'));
  const list = blobIn(container, 'devices.txt');
  const finished = (job) =>
    until(
      `job ${job}`,
      async () => (await call(registry, 'getJob', job))[0],
      ({ status }) => ['completed', 'failed', 'cancelled'].includes(status),
    );
  const lines = async () =>
    (await http('GET', list))
      .toString()
      .split(/\r?\n/)
      .filter(Boolean)
      .map((line) => JSON.parse(line));

  await check('all devices are exported to a blob, with their keys', async () => {
    const [job] = await call(registry, 'exportDevicesToBlob', container, false);
    assert.equal(job.type, 'export');
    const end = await finished(job.jobId);
    assert.equal(end.status, 'completed', end.failureReason);
    assert.equal(end.progress, 100);
    const exported = (await lines()).find((line) => line.id === id);
    assert.equal(exported.authentication.symmetricKey.primaryKey, device.authentication.symmetricKey.primaryKey);
    assert.equal(exported.status, 'enabled');
    assert.ok((await call(registry, 'listJobs'))[0].some((listed) => listed.jobId === job.jobId));
  });

  await check('without keys, if that is asked for', async () => {
    const [job] = await call(registry, 'exportDevicesToBlob', container, true);
    assert.equal((await finished(job.jobId)).status, 'completed');
    const exported = (await lines()).find((line) => line.id === id);
    assert.ok(!exported.authentication?.symmetricKey?.primaryKey);
  });

  await check('devices are imported from a blob', async () => {
    const primaryKey = Buffer.alloc(32, 3).toString('base64');
    const devices = [
      {
        id: own('import'),
        importMode: 'create',
        status: 'disabled',
        authentication: { symmetricKey: { primaryKey, secondaryKey: primaryKey } },
      },
      { id, importMode: 'delete' },
    ];
    await http('PUT', list, {
      headers: { 'x-ms-blob-type': 'BlockBlob' },
      body: devices.map((line) => JSON.stringify(line)).join('\n'),
    });
    const [job] = await call(registry, 'importDevicesFromBlob', container, container);
    assert.equal(job.type, 'import');
    const end = await finished(job.jobId);
    assert.equal(end.status, 'completed', end.failureReason);
    const [imported] = await call(registry, 'get', own('import'));
    assert.equal(imported.status, 'disabled');
    assert.equal(imported.authentication.symmetricKey.primaryKey, primaryKey);
    assertRaised(await failure(call(registry, 'get', id)), 'DeviceNotFoundError', 404);
    await call(registry, 'delete', own('import'));
  });

  await check('a job that there is not: an error', async () => {
    for (const method of ['getJob', 'cancelJob']) {
      assert.equal((await failure(call(registry, method, own('no-such-job')))).response.statusCode, 404);
    }
  });
}

/** Everything that a hub's service clients do over HTTP. */
async function service({ sdk, oddId }) {
  const connectionString = process.env.IOTHUB_CONNECTION_STRING;
  const registry = sdk.Registry.fromConnectionString(connectionString);
  const jobClient = sdk.JobClient.fromConnectionString(connectionString);
  // Left-overs of a run that failed must not decide over this one.
  for (const device of (await call(registry, 'list'))[0]) {
    if (device.deviceId.startsWith(`${client}-`)) await call(registry, 'delete', device.deviceId);
  }
  await identities(registry, oddId);
  await authentication(sdk);
  await bulk(registry);
  await twins(registry);
  await queries(registry);
  await methods(registry, sdk.Client.fromConnectionString(connectionString));
  await jobs(registry, jobClient);
  await importAndExport(registry);
  return registry;
}

module.exports = { own, service };
