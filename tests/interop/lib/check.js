// What the Node scripts share: checks that print a line each, and the script's view of the emulator beside the client that is tried.
'use strict';

const assert = require('node:assert/strict');
const channel = require('node:diagnostics_channel');
const crypto = require('node:crypto');

const LIMIT_MS = 120_000;
const client = process.argv[1].replace(/^.*\/|\.js$/g, '');
let checks = 0;
let running = 'starting';
let last = 'none';

// Node tells of every request and answer; the last ones are printed when a check fails.
channel.subscribe('http.client.request.start', ({ request }) => {
  last = `${request.method} ${request.path}`;
});
channel.subscribe('http.client.response.finish', ({ request, response }) => {
  last = `${request.method} ${request.path} -> ${response.statusCode}`;
});

function fail(error) {
  console.log(`FAILED ${client}: ${running}`);
  console.log(`  request: ${last}`);
  console.log(`  ${error && error.stack ? error.stack : error}`);
  if (error && error.responseBody) console.log(`  answer: ${error.responseBody}`);
  if (error && error.innerError)
    console.log(`  because of: ${error.innerError.stack} ${error.innerError.responseBody ?? ''}`);
  process.exit(1);
}
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

/** Runs one check; the first that fails ends the process. */
async function check(name, body) {
  running = name;
  const timer = setTimeout(() => fail(new Error(`not done after ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  const result = await body();
  clearTimeout(timer);
  checks += 1;
  console.log(`ok ${client}: ${name}`);
  return result;
}

/** Ends the script well, whatever timers the clients keep. */
function done() {
  console.log(`${client}: ${checks} checks passed`);
  process.exit(0);
}

/** Calls a method whose last argument is a Node callback; gives what the callback got after the error. */
function call(object, method, ...args) {
  return new Promise((resolve, reject) => {
    object[method](...args, (error, ...results) => (error ? reject(error) : resolve(results)));
  });
}

/** The error that `promise` fails with. */
async function failure(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  return assert.fail(`an error was expected, not ${JSON.stringify(value)}`);
}

/** Asks until `good` holds, for what happens behind the hub's answers. */
async function until(what, ask, good) {
  let value;
  for (let tries = 0; tries < 100; tries += 1) {
    value = await ask();
    if (good(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return assert.fail(`${what}: still ${JSON.stringify(value)}`);
}

/** The parts of the connection string of the hub's owner. */
const owner = Object.fromEntries(
  process.env.IOTHUB_CONNECTION_STRING.split(';').map((part) => [
    part.slice(0, part.indexOf('=')),
    part.slice(part.indexOf('=') + 1),
  ]),
);

/** A SAS token; `minutes` below zero make one that has expired. */
function token(resource, key, policy, minutes = 60) {
  const sr = encodeURIComponent(resource);
  const se = Math.floor(Date.now() / 1000) + minutes * 60;
  const sig = crypto.createHmac('sha256', Buffer.from(key, 'base64')).update(`${sr}\n${se}`).digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(sig)}&se=${se}${policy ? `&skn=${policy}` : ''}`;
}

async function http(method, url, { headers = {}, body, accept = [200, 201, 202, 204] } = {}) {
  const answer = await fetch(url, { method, headers, body });
  const content = Buffer.from(await answer.arrayBuffer());
  assert.ok(accept.includes(answer.status), `${method} ${url} -> ${answer.status}: ${content}`);
  return content;
}

const admin = (path) => `${process.env.ADMIN_URL}/$emulator${path}`;

/** Queues a cloud-to-device message, for which there is no HTTP route but the emulator's own. */
function queueMessage(deviceId, body, headers = {}) {
  return http('POST', admin(`/devices/${encodeURIComponent(deviceId)}/messages`), { headers, body });
}

/** What the device answers when `methodName` is called. */
function scriptMethod(deviceId, methodName, status, payload) {
  return http('POST', admin(`/devices/${encodeURIComponent(deviceId)}/methods`), {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ methodName, status, payload }),
  });
}

/** The newest events of a device, as the hub has received them. */
async function received(deviceId, count) {
  const events = JSON.parse(await http('GET', admin('/events')));
  return events.filter((event) => event.deviceId === deviceId).slice(-count);
}

/** Where a device may put a file: the answer to `POST /devices/{id}/files`. */
async function uploadTarget(deviceId, key, blobName) {
  const answer = await http(
    'POST',
    `https://${process.env.IOTHUB_HOST}/devices/${encodeURIComponent(deviceId)}/files?api-version=2016-11-14`,
    {
      headers: {
        authorization: token(`${owner.HostName}/devices/${deviceId}`, key),
        'content-type': 'application/json',
      },
      body: JSON.stringify({ blobName }),
    },
  );
  return JSON.parse(answer);
}

/** The address of a container, which only the emulator can give. */
async function containerUri(name) {
  return JSON.parse(await http('POST', admin(`/containers/${name}`))).url;
}

/** The address of a blob in a container. */
function blobIn(container, name) {
  return container.replace('?', `/${name}?`);
}

/** The URL of a blob named by the hub, with its token. The host may stand for port 443. */
function blobUrl({ hostName, containerName, blobName, sasToken }) {
  const host = hostName === owner.HostName ? process.env.IOTHUB_HOST : hostName;
  return `https://${host}/${containerName}/${blobName.split('/').map(encodeURIComponent).join('/')}${sasToken}`;
}

module.exports = {
  assert,
  blobIn,
  blobUrl,
  call,
  check,
  client,
  containerUri,
  done,
  failure,
  http,
  owner,
  queueMessage,
  received,
  scriptMethod,
  token,
  until,
  uploadTarget,
};
