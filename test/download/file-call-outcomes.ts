// What a save becomes when one of its file calls fails: the table that file-call-table.test.ts holds against the product.

export const CODES = [
  "EPERM",
  "EACCES",
  "EBUSY",
  "EXDEV",
  "EMLINK",
  "EIO",
  "ENOTSUP",
  "ENOSYS",
  "EINVAL",
  "EBADF",
  "ENOSPC",
  "EDQUOT",
];
/** Instead of failing, `statfs` answers with zeros. */
export const ZEROS = "zeros";

export const MOMENT_NAMES = [
  "always",
  "once",
  "once every byte is here",
  "the same without links",
  "after publication",
] as const;
export type Moment = (typeof MOMENT_NAMES)[number];

export const LEGEND = `
saved   complete                                  warned  complete, with a warning
failed  paused, DISK_FAILED                       busy    paused, DISK_FAILED, another program has the file open, call again
full    paused, DISK_FULL                         folder  DOWNLOAD_DIR_UNUSABLE
-       the call was not made                     In capital letters: nothing is left that could be continued`.trim();

/** Printed by the test in the same form. */
export const OUTCOMES = `
always            EPERM   EACCES  EBUSY   EXDEV   EMLINK  EIO     ENOTSUP  ENOSYS  EINVAL  EBADF   ENOSPC  EDQUOT  zeros
mkdir             FOLDER  FOLDER  FOLDER  FOLDER  FOLDER  FOLDER  FOLDER   FOLDER  FOLDER  FOLDER  FOLDER  FOLDER
realpath          saved   saved   saved   saved   saved   saved   saved    saved   saved   saved   saved   saved
stat              FOLDER  FOLDER  FOLDER  FOLDER  FOLDER  FOLDER  FOLDER   FOLDER  FOLDER  FOLDER  FOLDER  FOLDER
lstat             FOLDER  FOLDER  FOLDER  FOLDER  FOLDER  FOLDER  FOLDER   FOLDER  FOLDER  FOLDER  FOLDER  FOLDER
readdir           FAILED  FAILED  BUSY    FAILED  FAILED  FAILED  FAILED   FAILED  FAILED  FAILED  FULL    FULL
statfs            saved   saved   saved   saved   saved   saved   saved    saved   saved   saved   saved   saved   saved
open              FAILED  FAILED  BUSY    FAILED  FAILED  FAILED  FAILED   FAILED  FAILED  FAILED  FULL    FULL
handle.stat       FAILED  FAILED  BUSY    FAILED  FAILED  FAILED  FAILED   FAILED  FAILED  FAILED  FULL    FULL
handle.chmod      warned  warned  FOLDER  FOLDER  FOLDER  FOLDER  warned   warned  warned  FOLDER  FOLDER  FOLDER
handle.read       failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
handle.readFile   saved   saved   saved   saved   saved   saved   saved    saved   saved   saved   saved   saved
handle.writeFile  FAILED  FAILED  BUSY    FAILED  FAILED  FAILED  FAILED   FAILED  FAILED  FAILED  FULL    FULL
handle.writev     failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
handle.truncate   failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
handle.datasync   failed  failed  busy    failed  failed  failed  saved    saved   saved   failed  full    full
handle.sync       saved   saved   busy    failed  failed  failed  saved    saved   saved   saved   full    full
utimes            saved   saved   saved   saved   saved   saved   saved    saved   saved   saved   saved   saved
rename            failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
link              saved   saved   saved   saved   saved   saved   saved    saved   saved   saved   full    full
unlink            failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
check.open        failed  failed  failed  failed  failed  failed  failed   failed  failed  failed  failed  failed
check.read        failed  failed  failed  failed  failed  failed  failed   failed  failed  failed  failed  failed

once              EPERM   EACCES  EBUSY   EXDEV   EMLINK  EIO     ENOTSUP  ENOSYS  EINVAL  EBADF   ENOSPC  EDQUOT  zeros
mkdir             FOLDER  FOLDER  saved   FOLDER  FOLDER  FOLDER  FOLDER   FOLDER  FOLDER  FOLDER  FOLDER  FOLDER
realpath          saved   saved   saved   saved   saved   saved   saved    saved   saved   saved   saved   saved
stat              FOLDER  FOLDER  saved   FOLDER  FOLDER  FOLDER  FOLDER   FOLDER  FOLDER  FOLDER  FOLDER  FOLDER
lstat             FOLDER  FOLDER  saved   FOLDER  FOLDER  FOLDER  FOLDER   FOLDER  FOLDER  FOLDER  FOLDER  FOLDER
readdir           FAILED  FAILED  saved   FAILED  FAILED  FAILED  FAILED   FAILED  FAILED  FAILED  FULL    FULL
statfs            saved   saved   saved   saved   saved   saved   saved    saved   saved   saved   saved   saved   saved
open              saved   saved   saved   FAILED  FAILED  FAILED  FAILED   FAILED  FAILED  FAILED  FULL    FULL
handle.stat       FAILED  FAILED  BUSY    FAILED  FAILED  FAILED  FAILED   FAILED  FAILED  FAILED  FULL    FULL
handle.chmod      warned  warned  FOLDER  FOLDER  FOLDER  FOLDER  warned   warned  warned  FOLDER  FOLDER  FOLDER
handle.read       failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
handle.readFile   saved   saved   saved   saved   saved   saved   saved    saved   saved   saved   saved   saved
handle.writeFile  FAILED  FAILED  BUSY    FAILED  FAILED  FAILED  FAILED   FAILED  FAILED  FAILED  FULL    FULL
handle.writev     failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
handle.truncate   failed  failed  saved   failed  failed  failed  failed   failed  failed  failed  full    full
handle.datasync   failed  failed  saved   failed  failed  failed  saved    saved   saved   failed  full    full
handle.sync       saved   saved   saved   failed  failed  failed  saved    saved   saved   saved   full    full
utimes            saved   saved   saved   saved   saved   saved   saved    saved   saved   saved   saved   saved
rename            failed  failed  saved   failed  failed  failed  failed   failed  failed  failed  full    full
link              saved   saved   saved   saved   saved   saved   saved    saved   saved   saved   full    full
unlink            failed  failed  saved   failed  failed  failed  failed   failed  failed  failed  full    full
check.open        failed  failed  failed  failed  failed  failed  failed   failed  failed  failed  failed  failed
check.read        failed  failed  failed  failed  failed  failed  failed   failed  failed  failed  failed  failed

once every byte is here  EPERM   EACCES  EBUSY   EXDEV   EMLINK  EIO     ENOTSUP  ENOSYS  EINVAL  EBADF   ENOSPC  EDQUOT  zeros
lstat                    FOLDER  FOLDER  FOLDER  FOLDER  FOLDER  FOLDER  FOLDER   FOLDER  FOLDER  FOLDER  FOLDER  FOLDER
open                     failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
handle.stat              failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
handle.readFile          saved   saved   saved   saved   saved   saved   saved    saved   saved   saved   saved   saved
handle.sync              saved   saved   warned  warned  warned  warned  saved    saved   saved   saved   warned  warned
unlink                   failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
handle.writeFile         failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
handle.datasync          failed  failed  busy    failed  failed  failed  saved    saved   saved   failed  full    full
rename                   failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
link                     saved   saved   saved   saved   saved   saved   saved    saved   saved   saved   full    full

the same without links  EPERM   EACCES  EBUSY   EXDEV   EMLINK  EIO     ENOTSUP  ENOSYS  EINVAL  EBADF   ENOSPC  EDQUOT  zeros
lstat                   FOLDER  FOLDER  FOLDER  FOLDER  FOLDER  FOLDER  FOLDER   FOLDER  FOLDER  FOLDER  FOLDER  FOLDER
open                    failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
handle.stat             failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
handle.readFile         saved   saved   saved   saved   saved   saved   saved    saved   saved   saved   saved   saved
handle.sync             saved   saved   busy    failed  failed  failed  saved    saved   saved   saved   full    full
unlink                  failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
handle.writeFile        failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full
handle.datasync         failed  failed  busy    failed  failed  failed  saved    saved   saved   failed  full    full
rename                  failed  failed  busy    failed  failed  failed  failed   failed  failed  failed  full    full

after publication  EPERM  EACCES  EBUSY   EXDEV   EMLINK  EIO     ENOTSUP  ENOSYS  EINVAL  EBADF  ENOSPC  EDQUOT  zeros
readdir            saved  saved   saved   saved   saved   saved   saved    saved   saved   saved  saved   saved
lstat              saved  saved   saved   saved   saved   saved   saved    saved   saved   saved  saved   saved
open               saved  saved   warned  warned  warned  warned  saved    saved   saved   saved  warned  warned
handle.stat        saved  saved   saved   saved   saved   saved   saved    saved   saved   saved  saved   saved
handle.readFile    saved  saved   saved   saved   saved   saved   saved    saved   saved   saved  saved   saved
handle.sync        saved  saved   warned  warned  warned  warned  saved    saved   saved   saved  warned  warned
unlink             saved  saved   saved   saved   saved   saved   saved    saved   saved   saved  saved   saved
`;
