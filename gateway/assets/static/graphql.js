"use strict";

(() => {
  const element = (id) => document.getElementById(id);
  const explorer = element("graphiql");
  const session = window.createSession(explorer.dataset.auth);
  let root = null;

  const complain = (message) => {
    element("sign-in-error").textContent = message;
    element("sign-in-error").hidden = !message;
  };

  const post = async (parameters, accept, options, signal) => {
    try {
      return await session.fetch(explorer.dataset.endpoint, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: accept, ...options?.headers },
        body: JSON.stringify(parameters),
        signal,
      });
    } catch (error) {
      if (!session.signedIn) {
        showSignIn("Your session has ended. Sign in again; your queries are still here.");
      }
      throw error;
    }
  };

  // What the API says about a request as a whole ({"detail": ...}) becomes the error of the query.
  const read = async (response) => {
    const answer = await response.json().catch(() => null);
    if (answer === null) {
      throw new Error(`The gateway answered ${response.status} without JSON.`);
    }
    return typeof answer.detail === "string" ? { errors: [{ message: answer.detail }] } : answer;
  };

  // Server-sent events by fetch, because an EventSource could not send the token.
  async function* events(parameters, options) {
    const leaving = new AbortController();
    try {
      const response = await post(parameters, "text/event-stream", options, leaving.signal);
      if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
        yield await read(response);
        return;
      }
      let text = "";
      for await (const chunk of chunks(response.body.pipeThrough(new TextDecoderStream()))) {
        const parts = (text + chunk).split("\n\n");
        text = parts.pop();
        for (const part of parts) {
          const data = part.split("\n").find((line) => line.startsWith("data: "));
          if (part.startsWith("event: next") && data) {
            yield JSON.parse(data.slice("data: ".length));
          }
        }
      }
    } finally {
      leaving.abort();
    }
  }

  async function* chunks(stream) {
    const reader = stream.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      yield part.value;
    }
  }

  const isSubscription = ({ operationName }, options) =>
    options?.documentAST?.definitions.some(
      (each) => each.operation === "subscription" && (!operationName || each.name?.value === operationName),
    );

  const fetcher = (parameters, options) =>
    isSubscription(parameters, options)
      ? events(parameters, options)
      : post(parameters, "application/graphql-response+json, application/json;q=0.9", options).then(read);

  const examples = () =>
    [...document.querySelectorAll("template.example")].map((each) => ({ query: each.content.textContent }));

  const mount = () => {
    root?.unmount();
    root = window.ReactDOM.createRoot(explorer);
    root.render(
      window.React.createElement(window.GraphiQL, {
        fetcher,
        defaultQuery: element("default-query").content.textContent,
        defaultTabs: examples(),
        shouldPersistHeaders: false,
      }),
    );
  };

  const showOrganizations = () => {
    const memberships = session.user?.memberships ?? [];
    const active = memberships.find((each) => each.organization_id === session.organizationId);
    element("organization").textContent = active?.name ?? session.organizationId ?? "no organization";
    element("organization").hidden = memberships.length > 1;
    element("organizations").hidden = memberships.length < 2;
    element("organizations").replaceChildren(
      ...memberships.map((each) => new Option(each.name, each.organization_id, false, each === active)),
    );
  };

  const showExplorer = () => {
    const { user } = session;
    element("person").textContent = user?.full_name ? `${user.full_name} · ${user.email}` : user?.email ?? "";
    showOrganizations();
    complain("");
    element("password").value = "";
    element("welcome").hidden = true;
    element("account").hidden = false;
    explorer.hidden = false;
    mount();
  };

  const showSignIn = (message) => {
    root?.unmount();
    root = null;
    complain(message);
    explorer.hidden = true;
    element("account").hidden = true;
    element("welcome").hidden = false;
    element("email").focus();
  };

  element("sign-in").addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = element("sign-in-button");
    button.disabled = true;
    complain("");
    try {
      await session.signIn(element("email").value.trim(), element("password").value);
      showExplorer();
    } catch (error) {
      complain(error.message);
      element("password").select();
    } finally {
      button.disabled = false;
    }
  });

  element("sign-out").addEventListener("click", async () => {
    await session.signOut();
    showSignIn("");
  });

  element("organizations").addEventListener("change", (event) => {
    session.organizationId = event.target.value;
  });

  session.resume().then(
    (signedIn) => (signedIn ? showExplorer() : showSignIn("")),
    (error) => showSignIn(error.status === 401 ? "Your session has ended. Sign in again." : error.message),
  );
})();
