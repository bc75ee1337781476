import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface Reflection {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** Answers every request of the API with what `reflect` makes of its Authorization header. */
export async function startReflectingAtlas(reflect: (authorization: string) => Reflection) {
  // Longer than any text that comes out, so that a cut somewhere inside it is certain.
  const accessToken = `SENTINEL-${randomBytes(300).toString("base64url")}`;
  const isToken = ({ url }: IncomingMessage) => url === "/api/oauth/token";
  const answer = (response: ServerResponse, { status, body, headers = {} }: Reflection) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  const server = createServer((request, response) => {
    request.resume();
    if (isToken(request)) answer(response, { status: 200, body: { access_token: accessToken, token_type: "Bearer" } });
    else answer(response, reflect(request.headers.authorization ?? ""));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The server has no port.");
  return {
    accessToken,
    baseUrl: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
