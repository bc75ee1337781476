import { type Fault, type Order, type OrderInput, parseOrders } from "./orders.ts";
import type { Operation } from "./words.ts";

export interface OrderBook {
  add: (input: OrderInput) => void;
  clear: () => void;
  /** What is still to come, in order. */
  pending: () => readonly Order[];
  /**
   * The faults of the first order for this operation that applies to the request; counts as one of its times.
   * An order that does not apply, such as one about ranges when none is asked for, waits.
   */
  take: (operation: Operation, applies: (faults: Fault[]) => boolean) => Fault[];
}

export function createOrderBook(initial: OrderInput): OrderBook {
  let orders = parseOrders(initial);

  return {
    add: (input) => {
      orders.push(...parseOrders(input));
    },
    clear: () => {
      orders = [];
    },
    pending: () => orders,
    take: (operation, applies) => {
      const order = orders.find(({ target, faults }) => matches(target, operation) && applies(faults));
      if (!order) return [];
      order.times -= 1;
      if (order.times <= 0) orders = orders.filter((other) => other !== order);
      return order.faults;
    },
  };
}

function matches(target: Order["target"], operation: Operation): boolean {
  if (target === operation) return true;
  return target === "api" && operation !== "token" && operation !== "revoke" && operation !== "file";
}

export function has(faults: Fault[], word: string): boolean {
  return faults.some((fault) => fault.kind === "word" && fault.word === word);
}
