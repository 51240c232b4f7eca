/* Keeps the sidebar open on laptops: the theme folds it away up to 1280 px, where a
   newcomer then sees no way to anything. Below BESIDE it lies over the page, as before. */

const BESIDE = 1024;
const ROOMY = 1440;
const NARROW_PIXELS = 248;

function isBeside() {
    return window.innerWidth >= BESIDE;
}

function isWanted() {
    return isBeside() && localStorage.getItem("sidebarOpen") !== "0";
}

/* The theme's fold buttons are spans: keyboards and screen readers find none. */
function makeButton(fold) {
    for (const [name, value] of Object.entries({
        role: "button",
        tabindex: "0",
        "aria-label": "Navigation",
        "x-bind:aria-expanded": "sidebarOpen",
        "x-on:keydown.enter.prevent": "sidebarToggle()",
        "x-on:keydown.space.prevent": "sidebarToggle()",
    })) fold.setAttribute(name, value);
}

document.addEventListener("alpine:init", () => {
    for (const fold of document.querySelectorAll('[x-on\\:click="sidebarToggle()"]')) makeButton(fold);
    const themed = window.theme;
    window.theme = (...names) => {
        const made = themed(...names);
        if (window.innerWidth < ROOMY && !localStorage.getItem("sidebarWidth")) {
            made.sidebarWidth = NARROW_PIXELS;
        }
        made.sidebarOpen = isWanted();
        made.sidebarToggle = function toggle() {
            this.sidebarOpen = !this.sidebarOpen;
            if (isBeside()) localStorage.setItem("sidebarOpen", this.sidebarOpen ? "1" : "0");
        };
        made.themeBindings["x-resize.window"] = function follow() {
            this.sidebarOpen = isWanted();
        };
        return made;
    };
});
