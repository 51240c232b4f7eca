"""What the admin theme shows: names, colours, sidebar, styles (settings.UNFOLD)."""

from __future__ import annotations

from django.templatetags.static import static

# Ink blue on cool greys; every pair of text and ground reaches a contrast of 4.5.
BASE = {
    "50": "248 250 252",
    "100": "241 245 249",
    "200": "226 232 240",
    "300": "203 213 225",
    "400": "148 163 184",
    "500": "92 107 128",
    "600": "71 85 105",
    "700": "51 65 85",
    "800": "30 41 59",
    "900": "17 24 39",
    "950": "8 13 24",
}
PRIMARY = {
    "50": "238 244 255",
    "100": "222 233 255",
    "200": "190 212 255",
    "300": "147 184 255",
    "400": "104 152 250",
    "500": "96 150 255",
    "600": "37 91 214",
    "700": "29 74 178",
    "800": "27 63 145",
    "900": "27 54 116",
    "950": "18 34 71",
}

UNFOLD = {
    "SITE_TITLE": "Object store",
    "SITE_HEADER": "Object store",
    "SITE_SYMBOL": "database",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_HISTORY": False,
    "BORDER_RADIUS": "8px",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("console/icon.svg"),
        }
    ],
    "SITE_ICON": lambda request: static("console/icon.svg"),
    "STYLES": [
        lambda request: static("console/console.css"),
        lambda request: static("console/figures.css"),
    ],
    "SCRIPTS": [lambda request: static("console/js/sidebar.js")],
    "COLORS": {
        "base": BASE,
        "primary": PRIMARY,
        "font": {
            "subtle-light": "var(--color-base-500)",
            "subtle-dark": "var(--color-base-400)",
            "default-light": "var(--color-base-700)",
            "default-dark": "var(--color-base-300)",
            "important-light": "var(--color-base-900)",
            "important-dark": "var(--color-base-100)",
        },
    },
    "COMMAND": {"show_history": True},
    "SIDEBAR": {
        "show_search": True,
        "navigation": "console.navigation.sidebar",
    },
}
