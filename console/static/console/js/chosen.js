/* What is chosen in a bucket, kept for the tab while its pages are turned. Versions and
   what is current are chosen apart: what is done with the one is not done with the other. */

const PREFIX = "os-chosen:";
export const MOST_CHOSEN = 1000;

const textOf = (name, value) => JSON.stringify([name, value]);

/* What is chosen: names and values of check boxes, on this page or another. */
export class Choice {
    constructor(bucket, kind) {
        this.name = `${PREFIX}${bucket}:${kind}`;
        try {
            this.kept = new Set(JSON.parse(sessionStorage.getItem(this.name) ?? "[]"));
        } catch {
            this.kept = new Set();
        }
    }

    get size() { return this.kept.size; }

    has(box) { return this.kept.has(textOf(box.name, box.value)); }

    set(box) {
        const text = textOf(box.name, box.value);
        if (box.checked) this.kept.add(text);
        else this.kept.delete(text);
        this.save();
    }

    clear() {
        this.kept.clear();
        this.save();
    }

    save() {
        if (this.size) sessionStorage.setItem(this.name, JSON.stringify([...this.kept]));
        else sessionStorage.removeItem(this.name);
    }

    /* Give what is chosen on other pages than that of these boxes. */
    elsewhere(boxes) {
        const here = new Set(boxes.map((box) => textOf(box.name, box.value)));
        return [...this.kept].filter((text) => !here.has(text)).map((text) => JSON.parse(text));
    }
}

/* A form that acts on the chosen ends the choice once it is sent. */
for (const form of document.querySelectorAll("form[data-ends-choice]")) {
    form.addEventListener("submit", (event) => {
        if (event.submitter?.name !== "confirmed") return;
        for (const name of Object.keys(sessionStorage)) {
            if (name.startsWith(`${PREFIX}${form.dataset.endsChoice}:`)) sessionStorage.removeItem(name);
        }
    });
}
