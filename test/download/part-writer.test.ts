import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createPartWriter } from "../../src/download/folder/part.ts";
import { noise, temporaryFolder } from "./fixtures.ts";

test("the file is the sequence of the chunks, whatever their sizes and however little the system writes at once", async () => {
  const folder = await temporaryFolder();
  const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), async (chunks, shorts) => {
      const bytes = noise(
        chunks.reduce((sum, size) => sum + size, 0),
        1,
      );
      const path = join(folder, "part");
      const handle = await open(path, "w");
      let calls = 0;
      const writev = async (buffers: Buffer[], position: number) => {
        const most = shorts[calls++ % shorts.length] ?? 1;
        const { bytesWritten } = await handle.write(Buffer.concat(buffers).subarray(0, most), 0, undefined, position);
        return { bytesWritten };
      };
      const written: number[] = [];
      const onWritten = (reached: number) => void written.push(reached);
      const writer = createPartWriter({ handle: { writev }, position: 0, batchBytes: 256, onWritten });
      let at = 0;
      for (const size of chunks) {
        await writer.add(Buffer.from(bytes.subarray(at, at + size)));
        at += size;
      }
      await writer.flush();
      await handle.close();
      expect((await readFile(path)).equals(bytes)).toBe(true);
      expect(writer.bytes).toBe(bytes.length);
      expect(written).toEqual([...written].sort((one, next) => one - next));
    }),
    { seed: 3, numRuns: 50 },
  );
});

test("a system that writes nothing and names no error is a failure, not an endless loop", async () => {
  const writev = async () => ({ bytesWritten: 0 });
  const writer = createPartWriter({ handle: { writev }, position: 0, batchBytes: 1, onWritten: () => undefined });
  void writer.add(Buffer.from("x"));
  await expect(writer.flush()).rejects.toMatchObject({ code: "DISK_FAILED" });
});

test("a chunk's memory is freed once it is written, unless other chunks share it", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "part");
  const handle = await open(path, "w");
  const writer = createPartWriter({ handle, position: 0, batchBytes: 1, onWritten: () => undefined });
  const own = Buffer.from(new Uint8Array(5000).fill(1).buffer);
  const shared = Buffer.from(new Uint8Array(5000).fill(2).buffer);
  for (const chunk of [own, shared.subarray(0, 4000), shared.subarray(4000)]) await writer.add(chunk);
  await writer.flush();
  await handle.close();
  expect([own.length, shared.length]).toEqual([0, 5000]);
  expect(await readFile(path)).toEqual(Buffer.concat([Buffer.alloc(5000, 1), Buffer.alloc(5000, 2)]));
});
