/* The same request for a shell and for Python, with the example values of the document. */

/* A path with its example values, and the query that an operation cannot do without. */
export function examplePath(path, operation) {
  const query = [];
  let filled = path;
  for (const one of operation.parameters) {
    const value = one.example ?? one.schema.default ?? one.schema.minimum ?? "";
    if (one.in === "path") filled = filled.replace(`{${one.name}}`, encodeURIComponent(value));
    if (one.in === "query" && one.required) query.push(`${one.name}=${encodeURIComponent(value)}`);
  }
  return query.length ? `${filled}?${query.join("&")}` : filled;
}

const inShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export function curl({ method, path, body, credential, streams }) {
  const lines = [`curl ${streams ? "-N" : "-s"} "$URL${path}"`];
  if (method !== "get" && !(method === "post" && body !== undefined)) {
    lines[0] = lines[0].replace("curl ", `curl -X ${method.toUpperCase()} `);
  }
  if (credential) lines.push(`-H "Authorization: Bearer $${credential}"`);
  if (body !== undefined) lines.push(`--json ${inShell(JSON.stringify(body, null, 2))}`);
  return lines.join(" \\\n  ");
}

function literal(value, indent) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inside = `${indent}    `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const items = Array.isArray(value)
    ? value.map((one) => literal(one, inside))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one, inside)}`);
  if (!items.length) return open + close;
  return `${open}\n${items.map((item) => `${inside}${item},\n`).join("")}${indent}${close}`;
}

export function python({ method, path, body, credential, streams, hasText }) {
  const call = [JSON.stringify(path)];
  if (credential) call.push('headers={"Authorization": f"Bearer {' + credential + '}"}');
  if (body !== undefined) call.push(`json=${literal(body, "    ")}`);
  const given = call.map((part) => `    ${part},\n`).join("");
  if (streams) {
    return `import httpx

with httpx.Client(base_url=URL, timeout=None) as client:
    with client.stream("GET", ${call.join(", ")}) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            print(line)`;
  }
  return `import httpx

with httpx.Client(base_url=URL) as client:
    answer = client.${method}(
${given.replaceAll(/^(?=.)/gm, "    ")}    )
answer.raise_for_status()
print(answer.${hasText ? "text" : "json()"})`;
}
