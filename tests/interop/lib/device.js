// The device clients of both Node SDKs over HTTP: events, cloud-to-device messages, file upload.
'use strict';

const crypto = require('node:crypto');
const { Readable } = require('node:stream');
const {
  assert,
  blobUrl,
  call,
  check,
  client,
  failure,
  http,
  owner,
  queueMessage,
  received,
  token,
  uploadTarget,
} = require('./check');
const { own } = require('./hub');

const LIMIT_BYTES = 256 * 1024;

const connectionString = (id, key) => `HostName=${owner.HostName};DeviceId=${id};SharedAccessKey=${key}`;

async function events(device, Message, id) {
  await check('an event is taken', async () => {
    const [result] = await call(device, 'sendEvent', new Message('{"temperature":21.5}'));
    assert.equal(result.constructor.name, 'MessageEnqueued');
    assert.equal(result.transportObj.statusCode, 204);
    const [event] = await received(id, 1);
    assert.deepEqual([event.text, event.properties], ['{"temperature":21.5}', {}]);
  });

  await check('an event of bytes, with properties', async () => {
    const message = new Message(Buffer.from([0, 255, 10, 13, 128]));
    message.messageId = crypto.randomUUID();
    message.correlationId = 'correlation';
    message.properties.add('Level', 'high');
    message.properties.add('unit', 'C');
    assert.equal((await call(device, 'sendEvent', message))[0].transportObj.statusCode, 204);
    const [event] = await received(id, 1);
    assert.deepEqual([...Buffer.from(event.body, 'base64')], [0, 255, 10, 13, 128]);
    assert.deepEqual(event.properties, { level: 'high', unit: 'C' });
    // The client of 2017 does not send what stands beside the properties.
    const ids = client === 'n17' ? [undefined, undefined] : [message.messageId, 'correlation'];
    assert.deepEqual([event.systemProperties['message-id'], event.systemProperties['correlation-id']], ids);
  });

  await check('a batch of events', async () => {
    const batch = ['one', 'two', 'three'].map((text) => new Message(text));
    batch[1].properties.add('second', 'true');
    assert.equal((await call(device, 'sendEventBatch', batch))[0].transportObj.statusCode, 204);
    const events = await received(id, 3);
    assert.deepEqual(
      events.map((event) => [event.text, event.properties]),
      [
        ['one', {}],
        ['two', { second: 'true' }],
        ['three', {}],
      ],
    );
  });

  await check('an event as large as may be', async () => {
    assert.equal(
      (await call(device, 'sendEvent', new Message(Buffer.alloc(LIMIT_BYTES - 4096, 'x'))))[0].transportObj.statusCode,
      204,
    );
  });

  await check('an event that is too large: MessageTooLargeError', async () => {
    const error = await failure(call(device, 'sendEvent', new Message(Buffer.alloc(LIMIT_BYTES + 1, 'x'))));
    assert.equal(error.name, 'MessageTooLargeError', error.message);
    assert.equal(error.response.statusCode, 413);
  });
}

async function refusals(registry, Client, Http, Message, id) {
  // The client of 2017 polls for messages from its first call on, whether anybody listens or not, so each is closed again.
  const using = async (device, use) => {
    device.on('error', () => {});
    const result = await use(device);
    await call(device, 'close');
    return result;
  };
  const send = (device) => using(device, () => call(device, 'sendEvent', new Message('x')));
  const refused = (device) => using(device, () => failure(call(device, 'sendEvent', new Message('x'))));
  const [identity] = await call(registry, 'get', id);
  const { primaryKey, secondaryKey } = identity.authentication.symmetricKey;

  await check("the device's other key is as good", async () => {
    await send(Client.fromConnectionString(connectionString(id, secondaryKey), Http));
  });

  await check('a token instead of a connection string is taken', async () => {
    await using(
      Client.fromSharedAccessSignature(token(`${owner.HostName}/devices/${id}`, primaryKey), Http),
      async (device) => {
        await call(device, 'sendEvent', new Message('x'));
        await call(device, 'updateSharedAccessSignature', token(`${owner.HostName}/devices/${id}`, secondaryKey));
        await call(device, 'sendEvent', new Message('x'));
      },
    );
  });

  await check("another device's key: UnauthorizedError", async () => {
    const error = await refused(
      Client.fromConnectionString(connectionString(id, Buffer.alloc(32, 9).toString('base64')), Http),
    );
    assert.equal(error.name, 'UnauthorizedError', error.message);
    assert.equal(error.response.statusCode, 401);
  });

  await check('a token that has expired: UnauthorizedError', async () => {
    const error = await refused(
      Client.fromSharedAccessSignature(token(`${owner.HostName}/devices/${id}`, primaryKey, undefined, -5), Http),
    );
    assert.equal(error.name, 'UnauthorizedError', error.message);
  });

  await check('a disabled device is refused, and let in when it is enabled', async () => {
    const device = () => Client.fromConnectionString(connectionString(id, primaryKey), Http);
    await call(registry, 'update', { ...identity, status: 'disabled' });
    assert.equal((await refused(device())).response.statusCode, 401);
    await call(registry, 'update', { ...identity, status: 'enabled' });
    await send(device());
  });
}

/** The messages that the client hands to the application, one at a time. */
function inbox(device) {
  const [messages, waiting] = [[], []];
  device.on('error', (error) => {
    throw error;
  });
  device.on('message', (message) => (waiting.length > 0 ? waiting.shift()(message) : messages.push(message)));
  return () => new Promise((resolve) => (messages.length > 0 ? resolve(messages.shift()) : waiting.push(resolve)));
}

async function messages(registry, device, id) {
  const header = (message, name) => message.properties.propertyList.find((property) => property.key === name)?.value;
  const count = async () => Number((await call(registry, 'get', id))[0].cloudToDeviceMessageCount);
  for (const number of [1, 2, 3]) {
    await queueMessage(id, `message ${number}`, {
      'iothub-messageid': `id-${number}`,
      'iothub-correlationid': `correlation-${number}`,
      'iothub-ack': 'full',
      'iothub-app-number': String(number),
    });
  }
  await check('messages that wait are counted', async () => assert.equal(await count(), 3));

  const next = inbox(device);
  const [first, second, third] = await check(
    'messages are received in their order, with what belongs to them',
    async () => {
      const received = [await next(), await next(), await next()];
      for (const [at, message] of received.entries()) {
        assert.equal(message.getData().toString(), `message ${at + 1}`);
        assert.equal(message.messageId, `id-${at + 1}`);
        assert.equal(message.correlationId, `correlation-${at + 1}`);
        assert.equal(message.to.toLowerCase(), `/devices/${id}/messages/devicebound`);
        assert.equal(header(message, 'iothub-app-number'), String(at + 1));
        assert.match(message.lockToken, /^[0-9A-Za-z-]+$/);
      }
      assert.equal(new Set(received.map((message) => message.lockToken)).size, 3);
      return received;
    },
  );

  await check('the first is completed', async () => {
    const [result] = await call(device, 'complete', first);
    assert.equal(result.constructor.name, 'MessageCompleted');
    assert.equal(await count(), 2);
  });

  await check('the second is rejected', async () => {
    assert.equal((await call(device, 'reject', second))[0].constructor.name, 'MessageRejected');
    assert.equal(await count(), 1);
  });

  await check('the third is abandoned, and comes again under another lock', async () => {
    assert.equal((await call(device, 'abandon', third))[0].constructor.name, 'MessageAbandoned');
    const again = await next();
    assert.equal(again.messageId, 'id-3');
    assert.notEqual(again.lockToken, third.lockToken);
    await call(device, 'complete', again);
    assert.equal(await count(), 0);
  });

  await check('a lock that was lost: 412', async () => {
    for (const method of ['complete', 'reject', 'abandon']) {
      const error = await failure(call(device, method, third));
      assert.equal(error.response.statusCode, 412);
      assert.equal(error.response.headers['iothub-errorcode'], 'DeviceMessageLockLost');
    }
  });
}

async function upload(device, id, key, name, content) {
  await call(device, 'uploadToBlob', name, Readable.from([content], { objectMode: false }), content.length);
  const target = await uploadTarget(id, key, name);
  assert.equal(target.blobName, `${id}/${name}`);
  assert.ok(target.sasToken.startsWith('?'));
  assert.ok((await http('GET', blobUrl(target))).equals(content), 'the blob is what was uploaded');
}

/** Everything that a device client does over HTTP; `more` gets the device for what only one of the clients can do. */
async function device({ Client, Http, Message, registry, more }) {
  const id = own('device');
  const [identity] = await call(registry, 'create', { deviceId: id });
  const key = identity.authentication.symmetricKey.primaryKey;
  const connect = () => Client.fromConnectionString(connectionString(id, key), Http);

  const sender = connect();
  await events(sender, Message, id);
  await call(sender, 'close');
  await refusals(registry, Client, Http, Message, id);
  const receiver = connect();
  await messages(registry, receiver, id);
  await call(receiver, 'close');
  const connected = connect();
  await check('a file is uploaded', () =>
    upload(connected, id, key, 'dir/log.txt', Buffer.from('the end of the log\n')),
  );
  await check('the same name again replaces it', () =>
    upload(connected, id, key, 'dir/log.txt', Buffer.from('another log\n')),
  );
  await check('a name with spaces', () => upload(connected, id, key, 'a log & its end.txt', Buffer.from('1')));
  await check('a file of 33 MiB', () => upload(connected, id, key, 'large.bin', crypto.randomBytes(33 * 1024 * 1024)));
  if (more) await more({ connected, id, key });

  await call(connected, 'close');
  await call(registry, 'delete', id);
}

module.exports = { connectionString, device };
