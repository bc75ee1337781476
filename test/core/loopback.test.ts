import { expect, test } from "vitest";
import { isLoopback } from "../../src/core/loopback.ts";

test.each([
  ["http://127.0.0.1:8080", true],
  ["http://127.9.8.7", true],
  ["http://2130706433", true], // the same address as one number
  ["http://0x7f.1", true],
  ["http://localhost", true],
  ["http://LOCALHOST:3000", true],
  ["http://api.localhost", false],
  ["http://[::1]:8080", true],
  ["http://[0:0:0:0:0:0:0:1]", true],
  ["http://[::ffff:127.0.0.1]:8080", true],
  ["http://localhost.:8080", true],
  ["http://[::ffff:128.0.0.1]", false],
  ["http://[::7f00:1]", false],
  ["http://.localhost.com", false],
  ["http://localhost.example.com", false],
  ["http://notlocalhost", false],
  ["http://127.0.0.1.example.com", false],
  ["http://128.0.0.1", false],
  ["http://10.0.0.1", false],
  ["http://0.0.0.0", false],
  ["http://[::2]", false],
  ["http://[::ffff:10.0.0.1]", false],
  ["https://cloud.mongodb.com", false],
])("%s leads to this computer: %s", (url, expected) => {
  expect(isLoopback(new URL(url))).toBe(expected);
});
