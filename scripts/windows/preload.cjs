// Loaded before everything else in each Node.js on Wine: gets past what Wine lacks and Windows has.
const { ChildProcess } = require("node:child_process");
const { Socket } = require("node:net");

// Wine refuses the keep-alive option before a connection is made, which is when undici sets it.
Socket.prototype.setKeepAlive = function () {
  return this;
};

// A process that a test starts with an environment of its own needs this file too.
const { spawn } = ChildProcess.prototype;
ChildProcess.prototype.spawn = function (options) {
  const name = "NODE_OPTIONS=";
  const index = options.envPairs.findIndex((pair) => pair.toUpperCase().startsWith(name));
  const given = index < 0 ? "" : options.envPairs.splice(index, 1)[0].slice(name.length);
  const here = process.env.NODE_OPTIONS;
  options.envPairs.push(name + (given.includes(here) ? given : `${here} ${given}`));
  return spawn.call(this, options);
};
