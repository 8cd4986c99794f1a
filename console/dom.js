// Elements out of plain values. A text becomes a text and never markup, whatever stands in it.

const fill = (element, children) => {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
};

const set = (element, properties) => {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "vars") for (const [key, each] of Object.entries(value)) element.style.setProperty(`--${key}`, each);
    else if (["value", "checked", "disabled", "selected", "open", "files"].includes(name)) element[name] = value;
    else element.setAttribute(name === "cls" ? "class" : name, value === true ? "" : value);
  }
  return element;
};

/** h("p", { cls: "quiet", onclick }, "text", other, [more]) */
export const h = (tag, properties, ...children) => fill(set(document.createElement(tag), properties), children);

const SVG = "http://www.w3.org/2000/svg";
/** The same within a drawing. */
export const s = (tag, properties, ...children) => fill(set(document.createElementNS(SVG, tag), properties), children);

/** Puts `children` in the place of all that is in `element`. */
export const put = (element, ...children) => fill((element.replaceChildren(), element), children);

/** Tells those who do not see the page what has changed on it. */
export const say = (text) => {
  document.getElementById("said").textContent = text;
};
