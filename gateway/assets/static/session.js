"use strict";

// Who is signed in on this page. The access token lives in memory only. The refresh token is kept in
// sessionStorage, so that a reload does not sign out: it belongs to this tab alone, is gone when the tab
// closes, works once, and the page's policy lets no foreign script run that could read it. Requests
// neither send nor store cookies, so signing in here changes nothing for another page.

window.createSession = (authUrl) => {
  const STORED = "nis2.refresh_token";
  const MARGIN_MS = 30_000;
  let tokens = null;
  let user = null;
  let organizationId = null;
  let expiresAt = 0;
  let refreshing = null;

  class Refused extends Error {
    constructor(message, status) {
      super(message);
      this.status = status;
    }
  }

  const post = async (path, body) => {
    let response;
    try {
      response = await fetch(`${authUrl}/${path}`, {
        method: "POST",
        credentials: "omit",
        cache: "no-store",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(body),
      });
    } catch {
      throw new Refused("The gateway cannot be reached. Is it running?", 0);
    }
    const answer = await response.json().catch(() => null);
    if (!response.ok) {
      const detail = typeof answer?.detail === "string" ? answer.detail : `The gateway answered ${response.status}.`;
      const wait = response.headers.get("Retry-After");
      throw new Refused(wait ? `${detail} Try again in ${wait} s.` : detail, response.status);
    }
    return answer;
  };

  const claims = (token) => {
    const middle = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(middle), (c) => c.charCodeAt(0))));
  };

  const accept = (answer) => {
    tokens = { access: answer.access_token, refresh: answer.refresh_token };
    sessionStorage.setItem(STORED, tokens.refresh);
    user = answer.user ?? user;
    const claimed = claims(tokens.access);
    organizationId ??= answer.org_id ?? claimed.org_id ?? null;
    // Counted from now, not read off the clock of the server: the two need not agree.
    const lifetime = answer.expires_in ?? (claimed.iat ? claimed.exp - claimed.iat : 0);
    expiresAt = Date.now() + lifetime * 1000;
  };

  const forget = () => {
    tokens = null;
    user = null;
    organizationId = null;
    sessionStorage.removeItem(STORED);
  };

  // One refresh for all who wait: the token works once.
  const refresh = () => {
    refreshing ??= (async () => {
      try {
        accept(await post("refresh", { refresh_token: tokens?.refresh ?? sessionStorage.getItem(STORED) }));
      } catch (error) {
        if (error.status >= 400 && error.status < 500 && error.status !== 429) {
          forget();
        }
        throw error;
      } finally {
        refreshing = null;
      }
    })();
    return refreshing;
  };

  return {
    async signIn(email, password) {
      forget();
      accept(await post("login", { email, password }));
    },
    // True when the tab was signed in before it was reloaded and still may be.
    async resume() {
      if (sessionStorage.getItem(STORED) === null) {
        return false;
      }
      await refresh();
      return true;
    },
    async signOut() {
      const { access, refresh: token } = tokens ?? {};
      forget();
      if (access) {
        // Best effort: the server forgets the session too. The page is signed out whatever it answers.
        await fetch(`${authUrl}/logout`, {
          method: "POST",
          credentials: "omit",
          headers: { Authorization: `Bearer ${access}`, "Content-Type": "application/json" },
          body: JSON.stringify({ refresh_token: token }),
        }).catch(() => null);
      }
    },
    get signedIn() {
      return tokens !== null;
    },
    get user() {
      return user;
    },
    get organizationId() {
      return organizationId;
    },
    set organizationId(id) {
      organizationId = id;
    },
    // Sends a request with a valid token, renewing it before it ends and once after a 401.
    async fetch(url, options) {
      if (tokens && Date.now() > expiresAt - MARGIN_MS) {
        await refresh();
      }
      const send = () => {
        const headers = { ...options.headers, Authorization: `Bearer ${tokens.access}` };
        if (organizationId) {
          headers["X-Organization-Id"] ??= organizationId;
        }
        return fetch(url, { ...options, credentials: "omit", headers });
      };
      if (!tokens) {
        throw new Refused("You are signed out.", 401);
      }
      const response = await send();
      if (response.status !== 401) {
        return response;
      }
      await refresh();
      return send();
    },
  };
};
