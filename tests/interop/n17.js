// N17: the Node SDK of 2017 (azure-iothub, azure-iot-device, azure-iot-device-http), api-version 2016-11-14.
'use strict';

const { Client, JobClient, Registry } = require('azure-iothub');
const iot = require('azure-iot-device');
const { Http } = require('azure-iot-device-http');
const { assert, call, check, done, failure } = require('./lib/check');
const { device } = require('./lib/device');
const { own, service } = require('./lib/hub');

async function cutBody(registry) {
  const id = own('cut');
  await call(registry, 'create', { deviceId: id });
  await check(
    'a body that is cut short, since characters were counted, is refused, and the next request is not hurt',
    async () => {
      const error = await failure(call(registry, 'updateTwin', id, { tags: { room: 'K\u00fcche \u2603' } }, '*'));
      assert.equal(error.name, 'ArgumentError');
      for (let times = 0; times < 3; times += 1) {
        assert.deepEqual((await call(registry, 'getTwin', id))[0].tags, {});
      }
    },
  );
  await call(registry, 'delete', id);
}

async function main() {
  // What this client puts into paths as it is, and a path can hold.
  const registry = await service({ sdk: { Client, JobClient, Registry }, oddId: own("O'Neil$(x),=@!:;+._*-z") });
  await cutBody(registry);
  await device({ Client: iot.Client, Http, Message: iot.Message, registry });
  done();
}

main();
