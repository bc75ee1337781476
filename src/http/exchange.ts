import type { Dispatcher } from "undici";

/** A response whose body has come to its end. */
interface Exchange {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

const BYTE_ORDER_MARK = /^\uFEFF/;

/**
 * Sends one request and receives all of its response; rejects with undici's error, or with the signal's reason once it is
 * under way. `onSent` is called when the request is about to be written to an established connection: undici writes it in the
 * same turn and never before. One that was given up while it waited for its connection is not written.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  { signal, onSent }: { signal: AbortSignal; onSent: () => void },
): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let head: Omit<Exchange, "text"> = { status: 0, headers: {} };
    dispatcher.dispatch(request, {
      onRequestStart: (controller) => {
        // To abort it would close the connection, which others can still use.
        if (signal.aborted) throw signal.reason;
        signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
        onSent();
      },
      // Once for each interim response (RFC 9110, section 15.2) too; the final one comes last.
      onResponseStart: (_, status, headers) => {
        head = { status, headers };
      },
      onResponseData: (_, chunk) => {
        chunks.push(chunk);
      },
      onResponseEnd: () => resolve({ ...head, text: Buffer.concat(chunks).toString().replace(BYTE_ORDER_MARK, "") }),
      onResponseError: (_, error) => reject(error),
    });
  });
}
