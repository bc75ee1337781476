// Limits how much happens at a time.
/** Works on all items, at most `atOnce` at a time; the results are in the order of the items. The first failure rejects. */
export async function concurrently<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const [index, item] of queue) results[index] = await work(item);
    }),
  );
  return results;
}

/** A fixed number of places; whoever finds none free waits in line. */
export interface Slots {
  /** Resolves with the function that gives the place back; rejects with the signal's reason if it aborts first. */
  enter: (signal: AbortSignal) => Promise<() => void>;
}

export function createSlots(places: number): Slots {
  let free = places;
  const line: (() => void)[] = [];

  function leave(): void {
    const next = line.shift();
    if (next) next();
    else free += 1;
  }

  function once(): () => void {
    let left = false;
    return () => {
      if (!left) leave();
      left = true;
    };
  }

  return {
    enter: async (signal) => {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return once();
      }
      return new Promise((resolve, reject) => {
        const enter = () => {
          signal.removeEventListener("abort", giveUp);
          resolve(once());
        };
        const giveUp = () => {
          line.splice(line.indexOf(enter), 1);
          reject(signal.reason);
        };
        line.push(enter);
        signal.addEventListener("abort", giveUp, { once: true });
      });
    },
  };
}
