/* Files that somebody was asked for, sent one after another. */

const form = document.getElementById("send");
const list = document.getElementById("sent");
const input = document.getElementById("files");
const most = Number(form.dataset.most);

// The form by itself sends one.
input.multiple = true;

function line(file) {
    const item = document.createElement("li");
    const name = Object.assign(document.createElement("span"), { textContent: file.name });
    const meter = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
    meter.setAttribute("aria-label", `Sending ${file.name}`);
    const said = Object.assign(document.createElement("span"), { className: "subtle" });
    item.append(name, meter, said);
    list.append(item);
    return {
        progress(share) { meter.value = share; },
        end(text, isBad) {
            meter.remove();
            said.textContent = text;
            said.className = isBad ? "error" : "subtle";
        },
    };
}

function errorOf(request) {
    try {
        return JSON.parse(request.responseText).error;
    } catch {
        return "It was refused.";
    }
}

function put(file, told) {
    return new Promise((resolve) => {
        const request = new XMLHttpRequest();
        request.open("PUT", `${form.dataset.link}?name=${encodeURIComponent(file.name)}`);
        request.setRequestHeader("Content-Type", "application/octet-stream");
        request.upload.onprogress = (event) => told.progress(event.loaded / (event.total || 1));
        request.onload = () => {
            if (request.status === 201) told.end("has arrived");
            else told.end(errorOf(request), true);
            resolve();
        };
        request.onerror = () => { told.end("The connection broke. Send it again.", true); resolve(); };
        request.send(file);
    });
}

form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    for (const file of input.files) {
        const told = line(file);
        if (file.size > most) told.end("is larger than may be sent", true);
        else await put(file, told);
    }
    form.reset();
    button.disabled = false;
});
