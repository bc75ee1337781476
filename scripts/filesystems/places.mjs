// The file systems that test-filesystems.mjs saves to: how each is mounted, and what is expected there.
import { execFile, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

/** This computer lacks a program, a driver or a device; anything else that goes wrong is a failure. */
export class Lacking extends Error {}

const LACKS = [
  /unknown filesystem type/, // mount(8)
  /fuse: device not found|\/dev\/fuse/, // libfuse
  /(?:find an unused|failed to set ?up) loop device/, // losetup(8), mount(8)
];

/** Rejects with what the program wrote to standard error. */
export async function run(program, ...words) {
  try {
    return await promisify(execFile)(program, words);
  } catch (error) {
    if (error.code === "ENOENT") throw new Lacking(`${program} is not installed`);
    const [why = ""] = error.stderr?.trim().split("\n") ?? [];
    if (LACKS.some((pattern) => pattern.test(error.stderr))) throw new Lacking(why);
    throw new Error(`${program} ended with ${error.signal ?? error.code}: ${why || "it said nothing"}`);
  }
}

/** A file that holds a file system, and how it is mounted; made once, so that mounting again shows what is on it. */
function image(make, mount) {
  return async (at, work) => {
    const path = join(work, "image");
    await writeFile(path, "");
    await run("truncate", "-s", "320M", path);
    await run(...make(path));
    return {
      mount: () => run(...mount(path, at)),
      unmount: () => run("umount", at),
    };
  };
}

/** A mount that needs nothing beside the folder. */
const plain =
  (...words) =>
  async (at) => ({
    mount: () => run("mount", ...words, at),
    unmount: () => run("umount", at),
  });

/** A folder of this disk that shows itself in another way. */
const bound =
  (...options) =>
  async (at, work) => {
    const from = join(work, "from");
    await mkdir(from, { mode: 0o700 });
    return {
      mount: () => run("bindfs", ...options, from, at),
      unmount: () => run("umount", at),
    };
  };

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A folder of this computer through an SSH server of its own, with keys that last as long as the run. */
async function overSsh(at, work) {
  const from = join(work, "from");
  const key = join(work, "key");
  const port = await freePort();
  await mkdir(from, { mode: 0o700 });
  await mkdir("/run/sshd", { recursive: true });
  await run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key);
  const settings = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${key}`,
    `AuthorizedKeysFile ${key}.pub`,
    "PermitRootLogin yes",
    "StrictModes no",
    "Subsystem sftp internal-sftp",
  ];
  await writeFile(join(work, "sshd.conf"), `${settings.join("\n")}\n`);
  const server = spawn("/usr/sbin/sshd", ["-D", "-f", join(work, "sshd.conf")], { stdio: "ignore" });
  await new Promise((resolve, reject) => {
    server.once("spawn", resolve);
    server.once("error", () => reject(new Lacking("/usr/sbin/sshd is not installed")));
  });
  const options = `port=${port},IdentityFile=${key},StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null`;
  return {
    mount: async () => {
      // The server needs a moment until it listens.
      for (let tries = 0; ; tries += 1) {
        try {
          return await run("sshfs", `root@127.0.0.1:${from}`, at, "-o", options);
        } catch (error) {
          if (tries === 20) throw error;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    },
    unmount: () => run("umount", at),
    end: () => server.kill(),
  };
}

/** An image behind a block device, which some drivers ask for. */
async function exfat(at, work) {
  const path = join(work, "image");
  await writeFile(path, "");
  await run("truncate", "-s", "320M", path);
  await run("mkfs.exfat", path);
  return {
    mount: async () => {
      const { stdout } = await run("losetup", "--find", "--show", path);
      const device = stdout.trim();
      try {
        await run("mount.exfat-fuse", device, at);
      } finally {
        // It stays until nothing uses it, so that no way to end this run leaves it behind.
        await run("losetup", "--detach", device);
      }
    },
    unmount: () => run("umount", at),
  };
}

const ext4 = image(
  (path) => ["mkfs.ext4", "-q", "-F", path],
  (path, at) => ["mount", "-o", "loop", path, at],
);
const fat = image(
  (path) => ["mkfs.vfat", path],
  (path, at) => ["mount", "-t", "vfat", "-o", "loop", path, at],
);
const ntfs = (program, options) =>
  image(
    (path) => ["mkfs.ntfs", "-F", "-Q", "-q", path],
    (path, at) => [program, "-o", options, path, at],
  );
const here = async () => ({ mount: async () => {}, unmount: async () => {} });
const memory = plain("-t", "tmpfs", "-o", "size=320m,mode=0700", "tmpfs");
const likeWindowsDrive = (user) => bound(`--force-user=${user}`, "--perms=a+rwx", "--chmod-ignore", "--chown-ignore");

const UNPROTECTED = /keeps no owners and permissions/;
const WITHOUT_PROC = "mount -t tmpfs none /proc";

/**
 * `warns`: the warning that each save has; otherwise none is expected. `ignoresCase`: two names that differ in case are one
 * file. `becomes`: what happens in the middle. `afterwards`: what it is when the file is there. `forgets`: the files are gone after unmounting. `hides`: a shell command that
 * runs before each command of the product, in a mount namespace of its own.
 */
export const PLACES = [
  { name: "this computer's own", make: here },
  { name: "the same, /proc hidden", make: here, hides: WITHOUT_PROC },
  { name: "ext4", make: ext4 },
  { name: "ext4 that becomes full", make: ext4, becomes: "full" },
  { name: "ext4 that becomes read-only", make: ext4, becomes: "read-only" },
  { name: "ext4, then mounted read-only", make: ext4, afterwards: "read-only" },
  { name: "tmpfs", make: memory, forgets: true },
  { name: "tmpfs that becomes full", make: memory, forgets: true, becomes: "full" },
  { name: "ntfs-3g", make: ntfs("ntfs-3g", "rw"), warns: UNPROTECTED },
  { name: "ntfs-3g, umask=077", make: ntfs("ntfs-3g", "umask=077") },
  {
    name: "ntfs-3g, names without case",
    make: ntfs("lowntfs-3g", "ignore_case"),
    warns: UNPROTECTED,
    ignoresCase: true,
  },
  { name: "exFAT (exfat-fuse)", make: exfat, warns: UNPROTECTED, ignoresCase: true },
  { name: "FAT, times of 2 s", make: fat, ignoresCase: true },
  { name: "bindfs as a drive of Windows in WSL", make: likeWindowsDrive("root"), warns: UNPROTECTED },
  { name: "the same, of another user", make: likeWindowsDrive("4321"), warns: UNPROTECTED },
  { name: "sshfs to this computer", make: overSsh },
];
