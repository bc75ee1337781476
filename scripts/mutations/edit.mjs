// Each mutation breaks one promise (`claim`) and names the tests that must notice it; `only` selects them by their titles.

/** Replaces `find`, which must occur exactly once in the file. */
export const edit = (file, find, replace) => ({ file, find, replace });
