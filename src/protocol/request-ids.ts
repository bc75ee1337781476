import type { RequestId } from "@modelcontextprotocol/sdk/types.js";

/**
 * Gives every request in flight an id of our own, from 1 up. The SDK cannot cancel a request whose id is 0, and two
 * requests in flight under one id would take each other's cancellation.
 */
export function createRequestIds() {
  const ownIds = new Map<RequestId, number>();
  const clientIds = new Map<RequestId, RequestId>();
  const idle = new Set<() => void>();
  let lastId = 0;

  return {
    /** The own id of a new request, or `undefined` while another with the same id is in flight. */
    open(clientId: RequestId): number | undefined {
      if (ownIds.has(clientId)) return undefined;
      lastId += 1;
      ownIds.set(clientId, lastId);
      clientIds.set(lastId, clientId);
      return lastId;
    },
    /** How many requests are in flight. */
    count: (): number => clientIds.size,
    ownIdOf: (clientId: RequestId): number | undefined => ownIds.get(clientId),
    isOpen: (ownId: RequestId): boolean => clientIds.has(ownId),
    /** Ends a request that was answered or cancelled; returns the client's id unless it had ended before. */
    close(ownId: RequestId): RequestId | undefined {
      const clientId = clientIds.get(ownId);
      if (clientId === undefined) return undefined;
      clientIds.delete(ownId);
      ownIds.delete(clientId);
      if (clientIds.size === 0) {
        for (const resolve of idle) resolve();
        idle.clear();
      }
      return clientId;
    },
    /** Resolves when no request is in flight. */
    idle(): Promise<void> {
      return new Promise((resolve) => {
        if (clientIds.size === 0) resolve();
        else idle.add(resolve);
      });
    },
  };
}
