// Loaded before a script (`node --require`). The Node clients of the data plane take a host name and no port: they always connect to 443.
// An emulator on another port is reached by the one hook that Node documents for it, an agent's `createConnection`: connections to
// port 443 of the hub's host go to the port it listens on. What is sent is not touched; the `Host` header stays without a port.
'use strict';

const https = require('node:https');

const [host, port] = process.env.IOTHUB_HOST.split(':');
const connect = https.Agent.prototype.createConnection;

https.Agent.prototype.createConnection = function (options, ...rest) {
  const redirected = options.host === host && Number(options.port) === 443;
  return connect.call(this, redirected ? { ...options, port: Number(port) } : options, ...rest);
};
