// A TLS peer of Node.
//
//   node peer.js client PORT CA CHAIN KEY   one request over mutual TLS
//   node peer.js server CA CHAIN KEY        its port, then answers until it is ended
"use strict";
const fs = require("node:fs");
const https = require("node:https");

const [role, ...rest] = process.argv.slice(2);
const [ca, cert, key] = rest.slice(-3).map((path) => fs.readFileSync(path));

if (role === "client") {
  https
    .get({ host: "localhost", port: rest[0], ca, cert, key }, (response) => {
      console.log(response.statusCode);
      response.resume();
    })
    .on("error", (error) => {
      console.error(error.code, error.message);
      process.exitCode = 1;
    });
} else {
  const options = { ca, cert, key, requestCert: true, rejectUnauthorized: true };
  const server = https.createServer(options, (_, response) => response.end("ok"));
  server.listen(0, "localhost", () => console.log(server.address().port));
}
