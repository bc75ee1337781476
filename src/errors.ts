/** Where a failure arose; tells the reader whom to ask. */
export type FailureSource = "atlas" | "credentials" | "network" | "configuration" | "input" | "file-host" | "disk";

/** The error object every failed tool call returns; Atlas's own field names come first. */
export interface ErrorEnvelope {
  /** HTTP status, absent when no response arrived. */
  error?: number;
  errorCode?: string;
  reason?: string;
  detail?: string;
  parameters?: string[];
  badRequestDetail?: { fields: { field: string; description: string }[] };
  source: FailureSource;
  retryable: boolean;
  retryAfterSeconds?: number;
  hint: string;
}

/** The one failure type of this program; it carries facts, the edge turns them into prose. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly envelope: ErrorEnvelope;

  constructor(envelope: ErrorEnvelope, options?: ErrorOptions) {
    super([envelope.errorCode, envelope.detail ?? envelope.hint].filter(Boolean).join(": "), options);
    this.envelope = envelope;
  }
}
