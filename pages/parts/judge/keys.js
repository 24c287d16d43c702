// The keys of the Judge page. One listener for as long as the page lives; it answers the pair that is shown.
// The node tells tests what it knows: data-ready is the pair that a key would answer now.

const SETTLE = 250;  // milliseconds a pair must have been on the screen: a key pressed twice was meant for the last one

const KEYS = {
  1: "first", ArrowLeft: "first",
  2: "second", ArrowRight: "second",
  0: "tie", t: "tie", T: "tie",
  s: "skip", S: "skip",
  u: "undo", U: "undo",
};
// Where keys mean something else: text, lists, sliders, tabs.
const TYPING = "input, textarea, select, [contenteditable]:not([contenteditable=false]), [role=slider], [role=listbox], [role=combobox], [role=tab], [role=menu], [role=grid]";

// What screen readers are told: which keys press which button, and that another pair stands there.
const SHORTCUTS = { first: "1 ArrowLeft", second: "2 ArrowRight", tie: "0 T", skip: "S", undo: "U" };

function label(node, index) {
  for (const [outcome, keys] of Object.entries(SHORTCUTS)) {
    for (const button of document.querySelectorAll(`.st-key-answer-${outcome} button`)) button.setAttribute("aria-keyshortcuts", keys);
  }
  if (node.said !== index) {
    node.said = index;
    node.parentElement.querySelector(".poets-keys-said").textContent = index < 0 ? "" : `Pair ${index + 1} is shown.`;
  }
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const node = parentElement.querySelector(".poets-keys");
  node.latest = data;
  node.send = (answer) => setTriggerValue("answer", answer);
  // The buttons are drawn in the same run of the page, but may come a moment later.
  label(node, data.index);
  requestAnimationFrame(() => label(node, data.index));
  const shown = `${data.index} ${data.turn}`;
  if (node.shown !== shown) {
    node.shown = shown;
    node.dataset.ready = "";
    setTimeout(() => { if (node.shown === shown) node.dataset.ready = String(data.index); }, SETTLE);
  }
  if (!node.listen) {
    node.listen = (event) => {
      const outcome = KEYS[event.key];
      if (!outcome || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
      // The path goes through shadow roots, where event.target stops at their hosts.
      if (event.composedPath().some((element) => element.matches?.(TYPING))) return;
      const { index, undo } = node.latest;
      if (outcome === "undo" ? !undo : index < 0) return;
      event.preventDefault();
      if (node.dataset.ready !== String(index)) return;
      node.dataset.ready = "";  // one answer for each time that a pair is shown
      node.send({ index, outcome, turn: node.latest.turn });
    };
    document.addEventListener("keydown", node.listen);
  }
  return () => {
    document.removeEventListener("keydown", node.listen);
    node.listen = undefined;
  };
}
