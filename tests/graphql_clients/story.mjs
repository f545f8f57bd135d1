// A front end from login to findings: story.mjs URL EMAIL PASSWORD. urql asks, graphql-ws listens.
import { Client, cacheExchange, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

// urql aborts what it has read to the end, and lets nobody catch it.
process.on("unhandledRejection", (error) => {
  if (error?.name !== "AbortError") {
    throw error;
  }
});

const [url, email, password] = process.argv.slice(2);
const login = await fetch(`${url}/api/v1/auth/login`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ email, password }),
});
const Authorization = `Bearer ${(await login.json()).access_token}`;

const socket = createClient({
  url: `${url.replace("http", "ws")}/graphql`,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization },
  retryAttempts: 0,
});
const client = new Client({
  url: `${url}/graphql`,
  preferGetMethod: false,
  fetchOptions: { headers: { Authorization } },
  exchanges: [
    cacheExchange,
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({
          unsubscribe: socket.subscribe({ query: query ?? "", variables }, sink),
        }),
      }),
    }),
  ],
});

const done = async (operation) => {
  const { data, error } = await operation.toPromise();
  if (error) {
    throw error;
  }
  return data;
};

const { createAsset } = await done(
  client.mutation(
    gql`
      mutation ($input: CreateAssetInput!) {
        createAsset(input: $input) {
          asset {
            id
          }
          errors {
            message
          }
        }
      }
    `,
    { input: { targetValue: "shop.example.org" } },
  ),
);
const { createScan } = await done(
  client.mutation(
    gql`
      mutation ($input: CreateScanInput!) {
        createScan(input: $input) {
          scan {
            id
          }
          errors {
            message
          }
        }
      }
    `,
    { input: { assetIds: [createAsset.asset.id], name: "Story" } },
  ),
);

const steps = [];
await new Promise((resolve, reject) => {
  client
    .subscription(
      gql`
        subscription ($id: ID!) {
          scanProgress(scanId: $id) {
            status
            progress
          }
        }
      `,
      { id: createScan.scan.id },
    )
    .subscribe(({ data, error }) => {
      if (error) {
        reject(error);
        return;
      }
      steps.push(data.scanProgress);
      if (data.scanProgress.status === "COMPLETED") {
        resolve();
      }
    });
});

const page = await done(
  client.query(
    gql`
      query ($id: ID!) {
        scan(id: $id) {
          name
          findings(first: 1) {
            totalCount
            pageInfo {
              hasNextPage
            }
            edges {
              cursor
              node {
                checkId
                severity
              }
            }
          }
        }
      }
    `,
    { id: createScan.scan.id },
  ),
);
await socket.dispose();
console.log(JSON.stringify({ first: steps[0], last: steps.at(-1), scan: page.scan }));
