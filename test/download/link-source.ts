import { ownFailure } from "../../src/core/errors.ts";
import type { SnapshotLink, SnapshotSource } from "../../src/download/contract.ts";
import { respond } from "./fault-server.ts";
import { facts, openStore, stage } from "./fixtures.ts";

export const JOB = "5fa1000000000000000000d1";
export const OTHER_JOB = "5fa1000000000000000000d2";
export const HOUR = 3_600_000;

interface Asked {
  restoreJobId?: string;
  refused: string[];
}

/** Hands out the given links one after the other and remembers what it was asked. */
export function linksOf(...links: SnapshotLink[]): SnapshotSource & { asked: Asked[] } {
  const asked: Asked[] = [];
  return {
    asked,
    describe: async () => facts,
    link: async (_identity, { refused, onRequest, onJob, ...known }) => {
      await onJob(JOB);
      const link = links[Math.min(asked.length, links.length - 1)];
      asked.push({ ...known, refused: [...refused] });
      if (!link) throw ownFailure("LINK_NOT_READY");
      return link;
    },
  };
}

/** A stage whose store gets its links, made from the server's URL, one after the other. */
export async function staged(...links: ((url: string) => SnapshotLink)[]) {
  const stageOf = await stage({}, respond("404 X"));
  const source = linksOf(...links.map((link, index) => link(`${stageOf.server.url}&n=${index}`)));
  const open = () => openStore(stageOf.folder, { source });
  return { ...stageOf, source, open, store: open() };
}
