/* A JSON schema as a table of fields, one inside the other. */

import { make, prose } from "./docs-parts.js";

const DEEPEST = 6;

export const nameOf = (schema) => schema?.$ref?.split("/").pop();

export function resolved(api, schema) {
  const name = nameOf(schema);
  return name ? api.components.schemas[name] : schema;
}

/* What a value may be, in a few words: `string or null`, `list of Message`. */
function kindOf(api, schema) {
  if (schema.$ref) return nameOf(schema);
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives && !schema.type) {
    return [...new Set(alternatives.map((one) => kindOf(api, one)))].join(" or ");
  }
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(", ");
  if (schema.type === "array") return `list of ${schema.items ? kindOf(api, schema.items) : "anything"}`;
  const format = schema.format ? ` (${schema.format})` : "";
  return `${[schema.type ?? "anything"].flat().join(" or ")}${format}`;
}

/* `1 to 100 characters`, `at least 0`. */
function range(least, most, unit) {
  if (least === undefined && most === undefined) return [];
  const words = least === undefined ? `at most ${most}` : most === undefined ? `at least ${least}` : `${least} to ${most}`;
  return [`${words} ${unit}`.trim()];
}

function bounds(schema) {
  const parts = [
    ...range(schema.minimum, schema.maximum, ""),
    ...range(schema.minLength, schema.maxLength, "characters"),
    ...range(schema.minItems, schema.maxItems, "items"),
  ];
  if (schema.exclusiveMinimum !== undefined) parts.push(`above ${schema.exclusiveMinimum}`);
  if (schema.pattern) parts.push(`pattern ${schema.pattern}`);
  if (schema.default !== undefined && schema.default !== null) {
    parts.push(`default ${JSON.stringify(schema.default)}`);
  }
  return parts.join("; ");
}

/* The structs that a value of this schema may be or hold. */
function inner(api, schema) {
  if (schema.$ref) return [schema];
  const below = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), schema.items].filter(Boolean);
  return below.flatMap((one) => inner(api, one));
}

/* Rows of name, type and meaning: parameters, or the fields of an object. */
export function rows(entries) {
  const list = make("dl", { class: "fields" });
  for (const { name, kind, required, text, limits, more } of entries) {
    const term = make(
      "dt", {},
      make("code", {}, name),
      make("span", { class: "kind" }, kind),
      required ? make("span", { class: "required" }, "required") : "",
    );
    const meaning = make("dd", {});
    if (text) meaning.append(prose("span", text));
    if (limits) meaning.append(make("span", { class: "limits" }, limits));
    if (more) meaning.append(more);
    list.append(term, meaning);
  }
  return list;
}

export const parameterRow = (api, one) => ({
  name: one.name,
  kind: kindOf(api, one.schema),
  required: one.required,
  text: one.description ?? "",
  limits: bounds(one.schema),
});

/* The fields of an object; those inside open on demand, so that a schema may contain itself. */
export function fields(api, schema, depth = 0) {
  const found = resolved(api, schema);
  const alternatives = found.properties ? [] : inner(api, found);
  if (alternatives.length) {
    const parts = alternatives.map((one) => nested(api, one, depth));
    return make("div", {}, ...parts);
  }
  if (!found.properties) return prose("p", `\`${kindOf(api, found)}\``);
  const required = new Set(found.required ?? []);
  return rows(
    Object.entries(found.properties).map(([name, one]) => ({
      name,
      kind: kindOf(api, one),
      required: required.has(name),
      text: one.description ?? "",
      limits: bounds(one),
      more: depth < DEEPEST && inner(api, one).length
        ? make("div", {}, ...inner(api, one).map((each) => nested(api, each, depth)))
        : undefined,
    })),
  );
}

function nested(api, schema, depth) {
  const node = make("details", { class: "nested" }, make("summary", {}, `Fields of ${nameOf(schema)}`));
  node.addEventListener("toggle", () => {
    if (node.childElementCount > 1) return;
    const text = resolved(api, schema).description;
    if (text) node.append(prose("p", text));
    node.append(fields(api, schema, depth + 1));
  });
  return node;
}
