import type { StoredObject } from "../file/stored-object.ts";
import { has } from "./order-book.ts";
import type { Fault } from "./orders.ts";

/** By how much `shorter` and `longer` differ from the truth. */
export const ODD_BYTES = 1_000;

/** The object as a fault shows it: cut short with a length that fits, or with one bit of it flipped. */
export function alterObject(faults: Fault[], object: StoredObject): StoredObject {
  let altered = object;
  for (const fault of faults) {
    if (fault.kind === "word" && fault.word === "flip") altered = flipped(altered, fault.value);
  }
  if (has(faults, "shorter")) {
    altered = { ...altered, length: Math.max(Math.floor(object.length / 2), object.length - ODD_BYTES) };
  }
  return altered;
}

function flipped(object: StoredObject, offset: number): StoredObject {
  const position = offset < 0 ? object.length + offset : offset;
  return {
    ...object,
    read: function* (start, end) {
      let at = start;
      for (const chunk of object.read(start, end)) {
        yield position >= at && position < at + chunk.length ? withFlippedBit(chunk, position - at) : chunk;
        at += chunk.length;
      }
    },
  };
}

/** A copy: the chunk may belong to a block that other files share. */
function withFlippedBit(chunk: Uint8Array, index: number): Uint8Array {
  const copy = Uint8Array.from(chunk);
  copy[index] = (copy[index] ?? 0) ^ 0x10;
  return copy;
}
