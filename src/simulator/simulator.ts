import type { IncomingHttpHeaders } from "node:http";
import { createApi } from "./api/api.ts";
import { createOperations } from "./api/operations.ts";
import { createDigestGate } from "./auth/digest.ts";
import { createOauth, createTokens } from "./auth/oauth.ts";
import { control, isControl } from "./control.ts";
import { alterFileReply, alterObject, appliesToRange, replyInRanges } from "./faults/file-faults.ts";
import { createOrderBook, has, type OrderBook } from "./faults/orders.ts";
import { createObjects, type Objects } from "./file/objects.ts";
import { createLinkSigner, expiredReply, type LinkSigner, s3Error } from "./file/s3.ts";
import { listen, type Reply, readBody, transmit } from "./http.ts";
import { type Simulator, type SimulatorOptions, settle } from "./options.ts";
import { createMinuteLimit, createTokenBuckets } from "./rate-limit.ts";
import { createRecorder } from "./recorder.ts";
import { createRestoreJobs } from "./restore-jobs.ts";
import { environmentsOf } from "./simulated.ts";
import { createWorld } from "./world.ts";

export type { Simulator } from "./options.ts";
export { SIMULATED } from "./simulated.ts";

/** Control is no traffic of Atlas. */
const unrecorded = () => undefined;

/** An Atlas of its own on loopback with a file host beside it; what is large is made when it is first asked for. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = settle(options);
  const { now } = settings;
  const orders = createOrderBook(settings.orders);
  const recorder = createRecorder(now);
  const tokens = createTokens(settings);
  const projects = createWorld(now(), settings.projects);
  const snapshots = projects.flatMap(({ clusters }) => clusters).flatMap((cluster) => cluster.snapshots);
  const objects = createObjects(snapshots, settings);
  const signer = createLinkSigner({ now, baseUrl: () => fileHost.baseUrl });
  const jobs = createRestoreJobs(projects, signer.sign, settings);
  let fileRate = settings.fileRateBytesPerSecond;

  const api = createApi({
    ...settings,
    oauth: createOauth(tokens, createMinuteLimit(settings.tokenRequestsPerMinute, now)),
    tokens,
    digest: createDigestGate(settings),
    limit: createTokenBuckets(settings.rateLimit, now),
    operations: createOperations({ ...settings, projects, jobs }),
    orders,
    elsewhere: () => `${fileHost.baseUrl}/elsewhere`,
  });
  const serveFile = createFileHost({ now, signer, objects, orders, elsewhere: () => `${apiHost.baseUrl}/elsewhere` });

  const fileHost = await listen(settings.filePort, async (request, response, url) => {
    const onHead = recorder.record("file", request);
    const reply = await serveFile({ method: request.method ?? "", url, headers: request.headers });
    await transmit(reply, { response, onHead, rate: () => fileRate });
  });
  const apiHost = await listen(settings.port, async (request, response, url) => {
    const { method = "", url: target = "", headers } = request;
    const onHead = isControl(url) ? unrecorded : recorder.record(api.operationOf(method, url), request);
    const body = await readBody(request);
    const reply = isControl(url)
      ? control({ ...simulator, counts: recorder.counts, pendingOrders: orders.pending }, method, url, body)
      : api.answer({ method, target, url, headers, body });
    await transmit(reply, { response, onHead, rate: () => 0 });
  }).catch(async (error) => {
    await fileHost.close();
    throw error;
  });

  const environments = environmentsOf(apiHost.baseUrl);
  const simulator: Simulator = {
    baseUrl: apiHost.baseUrl,
    fileBaseUrl: fileHost.baseUrl,
    environment: environments.owner.serviceAccount,
    environments,
    requests: recorder.requests,
    count: recorder.count,
    jobs: jobs.created,
    order: orders.add,
    clearOrders: orders.clear,
    expireLinks: signer.expireLinks,
    revokeTokens: tokens.revokeAll,
    replaceObject: objects.replace,
    setFileRate: (bytesPerSecond) => {
      if (!(bytesPerSecond >= 0)) throw new RangeError("A file rate is a number of bytes per second, 0 for no limit.");
      fileRate = bytesPerSecond;
    },
    close: async () => {
      await Promise.all([apiHost.close(), fileHost.close()]);
    },
  };
  return simulator;
}

interface FileRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
}

interface FileHostParts {
  now: () => number;
  signer: LinkSigner;
  objects: Objects;
  orders: OrderBook;
  /** Where redirects lead. */
  elsewhere: () => string;
}

/** Answers as S3 does for a pre-signed link: the signature covers the method, and a second way to authenticate is refused. */
function createFileHost(parts: FileHostParts): (request: FileRequest) => Promise<Reply> {
  const { now, signer, objects, orders, elsewhere } = parts;
  return async ({ method, url, headers }) => {
    if (headers.authorization !== undefined) {
      return s3Error(400, {
        code: "InvalidArgument",
        message:
          "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
        fields: { ArgumentName: "Authorization", ArgumentValue: headers.authorization },
      });
    }
    const verdict = signer.judge(url);
    if (method !== "GET" || verdict.kind === "incomplete" || verdict.kind === "altered") return s3Error(403);
    if (verdict.kind === "expired") return expiredReply(verdict.expiredAt, now());
    const faults = orders.take("file", (ordered) => appliesToRange(ordered, headers.range));
    if (has(faults, "object-changes")) objects.replace(verdict.snapshotId);
    const object = await objects.objectOf(verdict.snapshotId);
    const reply = object ? replyInRanges(faults, alterObject(faults, object), headers) : s3Error(404);
    return alterFileReply(faults, reply, { now: now(), elsewhere: elsewhere() });
  };
}
