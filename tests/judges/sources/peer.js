// A TLS peer of Node.
//
//   node peer.js client PORT CA CHAIN KEY [NAME]   one request over mutual TLS to a server of that name
//   node peer.js server CA CHAIN KEY               its port, then answers until it is ended
"use strict";
const fs = require("node:fs");
const https = require("node:https");
const net = require("node:net");
const tls = require("node:tls");

const [role, ...rest] = process.argv.slice(2);
const port = role === "client" ? rest.shift() : 0;
const [ca, cert, key] = rest.slice(0, 3).map((path) => fs.readFileSync(path));

if (role === "client") {
  const name = rest[3] ?? "localhost";
  const options = { host: "localhost", port, ca, cert, key };
  options.servername = net.isIP(name) ? "" : name;
  options.checkServerIdentity = (_, shown) => tls.checkServerIdentity(name, shown);
  https
    .get(options, (response) => {
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
