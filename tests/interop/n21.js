// N21: the Node SDK of today (azure-iothub, azure-iot-device, azure-iot-device-http), api-version 2021-04-12.
'use strict';

const { Client, JobClient, Registry } = require('azure-iothub');
const iot = require('azure-iot-device');
const { Http } = require('azure-iot-device-http');
const { assert, blobUrl, call, check, done, failure, http } = require('./lib/check');
const { device } = require('./lib/device');
const { own, service } = require('./lib/hub');

async function promises(registry) {
  const id = own('promise');
  await check('the same without callbacks: create, twin, query, delete', async () => {
    const { responseBody, httpResponse } = await registry.create({ deviceId: id });
    assert.equal(httpResponse.statusCode, 200);
    assert.equal(responseBody.deviceId, id);
    const { responseBody: twin } = await registry.getTwin(id);
    await twin.update({ tags: { a: 1 } });
    assert.equal(twin.tags.a, 1);
    const { result } = await registry.createQuery(`SELECT * FROM devices WHERE deviceId = '${id}'`).nextAsTwin();
    assert.deepEqual(
      result.map((found) => found.deviceId),
      [id],
    );
    assert.equal((await registry.delete(id)).httpResponse.statusCode, 204);
  });
}

async function uploadByHand({ connected }) {
  await check('an upload in three steps: target, PUT, notification', async () => {
    const target = await connected.getBlobSharedAccessSignature('by-hand.txt');
    await http('PUT', blobUrl(target), { headers: { 'x-ms-blob-type': 'BlockBlob' }, body: 'by hand' });
    await connected.notifyBlobUploadStatus(target.correlationId, true, 201, 'Created');
    assert.equal((await http('GET', blobUrl(target))).toString(), 'by hand');
  });

  await check('an upload that failed is notified, too', async () => {
    const { correlationId } = await connected.getBlobSharedAccessSignature('never.txt');
    await connected.notifyBlobUploadStatus(correlationId, false, 500, 'no file');
  });

  await check('a notification of no upload is refused', async () => {
    await failure(connected.notifyBlobUploadStatus('no/such+correlation=', true, 200, ''));
  });
}

async function main() {
  // The characters that this client escapes are among them.
  const registry = await service({ sdk: { Client, JobClient, Registry }, oddId: own("O'Neil$(x),=@!:;+._*-%41#?z") });
  await promises(registry);
  await device({ Client: iot.Client, Http, Message: iot.Message, registry, more: uploadByHand });
  done();
}

main();
