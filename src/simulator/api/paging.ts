import type { JsonObject } from "../json.ts";
import { type Outcome, type Problem, problem } from "../problems.ts";

interface PageRequest {
  itemsPerPage: number;
  pageNum: number;
  includeCount: boolean;
}

/** Cuts one page out of a list and describes it as Atlas does, or says which parameter is wrong. */
export function paginate(items: JsonObject[], url: URL): Outcome {
  const request = readPaging(url.searchParams);
  if ("status" in request) return request;
  const { itemsPerPage, pageNum, includeCount } = request;
  const from = (pageNum - 1) * itemsPerPage;
  const results = items.slice(from, from + itemsPerPage);
  const link = (rel: string, page: number) => ({ href: hrefOf(url, request, page), rel });
  const links = [link("self", pageNum)];
  if (pageNum > 1) links.push(link("previous", pageNum - 1));
  if (from + itemsPerPage < items.length) links.push(link("next", pageNum + 1));
  const body = { links, results, ...(includeCount ? { totalCount: items.length } : {}) };
  return { status: 200, body, headers: {}, isList: true };
}

export function isTrue(parameters: URLSearchParams, name: string, byDefault = false): boolean {
  const value = parameters.get(name);
  return value === null ? byDefault : value.toLowerCase() === "true";
}

function readPaging(parameters: URLSearchParams): PageRequest | Problem {
  const itemsPerPage = wholeNumber(parameters.get("itemsPerPage") ?? "100");
  const pageNum = wholeNumber(parameters.get("pageNum") ?? "1");
  if (itemsPerPage < 1 || itemsPerPage > 500) return outOfRange("itemsPerPage must be between 1 and 500");
  if (pageNum < 1) return outOfRange("pageNum must be at least 1");
  return { itemsPerPage, pageNum, includeCount: isTrue(parameters, "includeCount", true) };
}

function wholeNumber(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : -1;
}

function outOfRange(violation: string): Problem {
  return problem("VALIDATION_ERROR", { violation });
}

function hrefOf(url: URL, { itemsPerPage, includeCount }: PageRequest, pageNum: number): string {
  const href = new URL(url.pathname, url);
  href.search = new URLSearchParams({
    includeCount: String(includeCount),
    itemsPerPage: String(itemsPerPage),
    pageNum: String(pageNum),
  }).toString();
  return href.href;
}
