// Limits how many tasks run at a time.

/**
 * Works on all items, at most `atOnce` at a time; the results are in the order of the items. The first failure rejects, and no
 * further item is begun.
 */
export async function concurrently<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  // A generator, unlike an array's iterator, ends for every worker when one of them leaves its loop with an error.
  const queue = (function* () {
    yield* items.entries();
  })();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const [index, item] of queue) results[index] = await work(item);
    }),
  );
  return results;
}

/** A semaphore. */
export interface Slots {
  /** Waits for a free slot, then resolves with the function that frees it; rejects with the signal's reason on abort. */
  enter: (signal: AbortSignal) => Promise<() => void>;
}

export function createSlots(count: number): Slots {
  let free = count;
  const queue: (() => void)[] = [];

  function release(): void {
    const next = queue.shift();
    if (next) next();
    else free += 1;
  }

  function releaseOnce(): () => void {
    let released = false;
    return () => {
      if (!released) release();
      released = true;
    };
  }

  return {
    enter: async (signal) => {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return releaseOnce();
      }
      return new Promise((resolve, reject) => {
        const enter = () => {
          signal.removeEventListener("abort", giveUp);
          resolve(releaseOnce());
        };
        const giveUp = () => {
          queue.splice(queue.indexOf(enter), 1);
          reject(signal.reason);
        };
        queue.push(enter);
        signal.addEventListener("abort", giveUp, { once: true });
      });
    },
  };
}
