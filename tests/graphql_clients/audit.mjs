// The server audits of graphql-http: audit.mjs URL TOKEN. Prints each that fails; MUST and SHOULD
// have to pass.
import { serverAudits } from "graphql-http";

const [url, token] = process.argv.slice(2);
const fetchFn = (input, init = {}) =>
  fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });

const count = { MUST: 0, SHOULD: 0, MAY: 0 };
const failed = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const result = await audit.fn();
  const level = audit.name.split(" ")[0];
  count[level] += 1;
  if (result.status !== "ok") {
    failed.push(`${audit.id} ${audit.name}: ${result.reason}`);
  }
}
const grave = failed.filter((line) => !/^\S+ MAY/.test(line));
console.log(JSON.stringify({ count, failed }));
process.exit(grave.length ? 1 : 0);
