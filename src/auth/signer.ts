import type { Clock } from "../core/time.ts";
import type { Send } from "../http/send.ts";

/** Requests go out signed; `close` gives back at Atlas what the signing has taken, within two seconds. */
export interface Signer {
  send: Send;
  close: () => Promise<void>;
}

export interface SignerContext {
  /** Its origin is the only one that may see credentials. */
  baseUrl: URL;
  /** Sends what has been signed, and fetches tokens. */
  send: Send;
  clock: Clock;
  /** Told every secret that arises at run time, before it is used. */
  onSecret: (secret: string) => void;
}
