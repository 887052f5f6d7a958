// Keeps what is written into the fields, saves a copy of the page, counts sentences. The page can be
// read and printed without it.
(function () {
    "use strict";
    const root = document.documentElement;
    const fields = Array.from(document.querySelectorAll(".answer"));
    const place = (field) => "mpidrift:" + location.pathname + ":" + field.id;

    // A browser may refuse to keep anything, as it does for some local files.
    function keep(field) {
        try { localStorage.setItem(place(field), field.innerText); } catch (refused) { /* not kept */ }
    }
    function kept(field) {
        try { return localStorage.getItem(place(field)); } catch (refused) { return null; }
    }
    function count() {
        const written = document.getElementById("answer-reflection").innerText.trim();
        const sentences = written.split(/[.!?]+(?:\s|$)/).filter((part) => part.trim()).length;
        document.getElementById("sentence-count").textContent = sentences + " of 8 to 10 sentences";
    }
    function changed() {
        const any = fields.some((field) => field.innerText.trim() !== "");
        if (any) root.dataset.answered = "yes"; else delete root.dataset.answered;
        count();
    }
    function save() {
        const blob = new Blob(["<!DOCTYPE html>\n" + root.outerHTML], { type: "text/html" });
        const link = document.createElement("a");
        link.href = URL.createObjectURL(blob);
        link.download = "report-answered.html";
        link.click();
        URL.revokeObjectURL(link.href);
    }

    if (root.classList.contains("draft")) {
        count();
        return;
    }
    fields.forEach(function (field) {
        const before = kept(field);
        if (before && field.innerText.trim() === "") field.innerText = before;
        field.addEventListener("input", function () { keep(field); changed(); });
    });
    document.getElementById("save").addEventListener("click", save);
    document.getElementById("print").addEventListener("click", function () { window.print(); });
    changed();
}());
