import { SIMULATED } from "../simulated.ts";

/** Someone who may call the API, with one credential of each kind. */
export interface Principal {
  clientId: string;
  clientSecret: string;
  publicKey: string;
  privateKey: string;
  /** Ready-made, never expiring by itself. */
  accessToken: string;
  mayDownload: boolean;
  /** Whether this computer is on the API access list of the credentials. */
  onAccessList: boolean;
}

const { clientId, clientSecret, publicKey, privateKey, accessToken } = SIMULATED;

export const PRINCIPALS: readonly Principal[] = [
  { clientId, clientSecret, publicKey, privateKey, accessToken, mayDownload: true, onAccessList: true },
  { ...SIMULATED.withoutDownloadRole, mayDownload: false, onAccessList: true },
  { ...SIMULATED.outsideAccessList, mayDownload: true, onAccessList: false },
];
