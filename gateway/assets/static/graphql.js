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

  // What the API says about a request as a whole ({"detail": ...}) becomes the error of the query.
  const fetcher = async (parameters, options) => {
    let response;
    try {
      response = await session.fetch(explorer.dataset.endpoint, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          Accept: "application/graphql-response+json, application/json;q=0.9",
          ...options?.headers,
        },
        body: JSON.stringify(parameters),
      });
    } catch (error) {
      if (!session.signedIn) {
        showSignIn("Your session has ended. Sign in again; your queries are still here.");
      }
      throw error;
    }
    const answer = await response.json().catch(() => null);
    if (answer === null) {
      throw new Error(`The gateway answered ${response.status} without JSON.`);
    }
    return typeof answer.detail === "string" ? { errors: [{ message: answer.detail }] } : answer;
  };

  const mount = () => {
    root?.unmount();
    root = window.ReactDOM.createRoot(explorer);
    root.render(
      window.React.createElement(window.GraphiQL, {
        fetcher,
        defaultQuery: element("default-query").content.textContent,
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
