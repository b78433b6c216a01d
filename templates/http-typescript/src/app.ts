// Greets whoever is named in the path of a request.

import { greeting } from "./greeting.js";

addEventListener("fetch", (event) => {
  const { request } = event as FetchEvent;
  const { pathname } = new URL(request.url);
  (event as FetchEvent).respondWith(new Response(greeting(pathname)));
});
