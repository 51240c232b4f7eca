/* An editor in the place of each JSON field: lines, colours, words to choose from, and
   the server's findings on their lines. Without it the field is a plain text area. */

const {
    EditorState, EditorView, HighlightStyle, autocompletion, bracketMatching,
    closeBrackets, closeBracketsKeymap, completionKeymap, defaultKeymap, drawSelection,
    highlightActiveLine, history, historyKeymap, indentOnInput, json, keymap,
    lineNumbers, lintGutter, lintKeymap, linter, syntaxHighlighting, syntaxTree, tags,
} = globalThis.CodeMirror;

const theme = EditorView.theme({
    "&": {
        border: "1px solid var(--os-line-strong)", borderRadius: "8px",
        backgroundColor: "var(--os-ground)", color: "var(--os-strong)",
        fontSize: "0.8125rem", overflow: "hidden",
    },
    "&.cm-focused": { outline: "2px solid var(--os-accent)", outlineOffset: "-1px" },
    ".cm-scroller": {
        fontFamily: "var(--os-mono)", lineHeight: "1.55",
        maxHeight: "36rem", overflow: "auto",
    },
    ".cm-gutters": {
        backgroundColor: "var(--os-sunk)", color: "var(--os-subtle)",
        borderRight: "1px solid var(--os-line)",
    },
    ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--os-accent) 6%, transparent)" },
    ".cm-activeLineGutter": { backgroundColor: "var(--os-hover)" },
    ".cm-content, .cm-gutter": { minHeight: "18rem" },
    ".cm-content": { caretColor: "var(--os-accent)", padding: "0.5rem 0" },
    ".cm-cursor": { borderLeftColor: "var(--os-accent)" },
    "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection": {
        backgroundColor: "color-mix(in srgb, var(--os-accent) 24%, transparent) !important",
    },
    ".cm-tooltip": {
        backgroundColor: "var(--os-ground)", color: "var(--os-strong)",
        border: "1px solid var(--os-line)", borderRadius: "8px",
        boxShadow: "var(--os-shadow-high)", overflow: "hidden",
    },
    ".cm-tooltip-autocomplete ul li[aria-selected]": {
        backgroundColor: "var(--os-accent-soft)", color: "var(--os-accent-strong)",
    },
    ".cm-diagnostic": { padding: "0.4rem 0.7rem", fontSize: "0.8125rem" },
});
const colours = HighlightStyle.define([
    { tag: tags.propertyName, color: "var(--os-accent-strong)" },
    { tag: tags.string, color: "var(--os-good)" },
    { tag: [tags.number, tags.bool, tags.null], color: "var(--os-warn)" },
]);

/* The name of the member whose value the place is in, and whether it is a name itself. */
function surroundings(state, position) {
    let node = syntaxTree(state).resolveInner(position, -1);
    const string = /^(String|PropertyName)$/.test(node.name) ? node : null;
    const isName = node.name === "PropertyName";
    while (node && node.name !== "Property") node = node.parent;
    const label = node?.getChild("PropertyName");
    const name = label ? state.sliceDoc(label.from + 1, label.to - 1) : "";
    return { string, isName, name };
}

function completions(words) {
    return (context) => {
        const { string, isName, name } = surroundings(context.state, context.pos);
        if (!string) return null;
        const offered = isName ? words.names : (words.values[name] ?? words.names);
        const kind = isName ? "property" : "constant";
        return {
            from: string.from + 1,
            options: [...offered].map((label) => ({ label, type: kind })),
            validFor: /^[^"\n]*$/,
        };
    };
}

function field(area) {
    const form = area.form;
    const link = area.dataset.checks;
    const token = form.querySelector("[name=csrfmiddlewaretoken]")?.value;
    const said = document.createElement("p");
    said.className = "os-findings os-subtle";
    said.setAttribute("role", "status");

    async function check(view) {
        const text = view.state.doc.toString();
        if (!text.trim()) { show([]); return []; }
        const body = new URLSearchParams({
            kind: area.dataset.editor, bucket: area.dataset.bucket ?? "", document: text,
        });
        const answer = await fetch(link, {
            method: "POST", body, headers: { "X-CSRFToken": token },
        });
        if (!answer.ok) return [];
        const { findings } = await answer.json();
        show(findings);
        return findings.map((finding) => {
            const line = view.state.doc.line(Math.min(finding.line, view.state.doc.lines));
            return { from: line.from, to: line.to, severity: finding.level, message: finding.text };
        });
    }

    function show(findings) {
        said.textContent = findings
            .map((finding) => `Line ${finding.line}: ${finding.text}`).join(" ");
        said.classList.toggle("os-findings-bad", findings.some((one) => one.level === "error"));
    }

    return { said, check };
}

async function edit(area) {
    const { said, check } = field(area);
    const answer = await fetch(`${area.dataset.checks}?kind=${area.dataset.editor}`);
    const words = answer.ok ? await answer.json() : { names: [], values: {} };
    const label = document.querySelector(`label[for="${area.id}"]`);
    const view = new EditorView({
        doc: area.value,
        extensions: [
            lineNumbers(), history(), drawSelection(), indentOnInput(),
            bracketMatching(), closeBrackets(), highlightActiveLine(), json(),
            syntaxHighlighting(colours), theme, lintGutter(),
            linter(check, { delay: 400 }),
            autocompletion({ override: [completions(words)] }),
            keymap.of([
                ...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap,
                ...historyKeymap, ...lintKeymap,
            ]),
            EditorView.lineWrapping,
            EditorView.contentAttributes.of({ "aria-label": label?.textContent.trim() || "JSON" }),
            EditorState.readOnly.of(area.readOnly || area.disabled),
            EditorView.updateListener.of((update) => {
                if (update.docChanged) area.value = update.state.doc.toString();
            }),
        ],
    });
    area.hidden = true;
    area.required = false;
    area.after(view.dom, said);
    // A template or a script has filled the field.
    area.addEventListener("filled", () => {
        view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: area.value } });
        view.focus();
    });
    label?.addEventListener("click", (event) => { event.preventDefault(); view.focus(); });
}

for (const area of document.querySelectorAll("textarea[data-editor]")) edit(area);
