// Takes names apart into words, and strips texts of everything by which the spellings of one name differ.

/** Accents become characters of their own, which the patterns below do not match. */
const plain = (text: string) => text.normalize("NFKD").replace(/\p{M}/gu, "");

/** Letters and digits alone, in lower case: the same for `Acme Payments`, `acme-payments` and `AcmePayments`. */
export const squash = (text: string): string =>
  plain(text)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "");

/** The words of a name, in lower case: at blanks, punctuation, digits and capitals. */
export const wordsOf = (name: string): string[] =>
  (plain(name).match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g) ?? []).map((word) => word.toLowerCase());
