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
  const isGiven = options.envPairs.some((pair) => /^NODE_OPTIONS=/i.test(pair));
  if (!isGiven) options.envPairs.push(`NODE_OPTIONS=${process.env.NODE_OPTIONS}`);
  return spawn.call(this, options);
};
