// A field for a question, which the address keeps (?q=...), so that it can be passed on. The search
// and the error index have one. Another page hands a question over behind the #, however long it is:
// a whole traceback would be too long for a server, and is none of its business.
function keepQuestion(field, show, pause) {
  const LONGEST = 500;

  const handed = (hash) => (hash.startsWith("#q=") ? new URLSearchParams(hash.slice(1)).get("q") : null);

  function remember() {
    const address = new URL(location.href);
    const text = field.value.trim();
    if (text && text.length <= LONGEST) address.searchParams.set("q", text);
    else address.searchParams.delete("q");
    if (handed(address.hash) !== null) address.hash = "";
    try {
      history.replaceState(null, "", address);
    } catch (error) {
      // a browser that does not allow it for files
    }
  }

  function answer() {
    show();
    remember();
  }

  let waiting = null;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(answer, pause);
  });
  field.value = handed(location.hash) || new URLSearchParams(location.search).get("q") || field.value;
  return answer;
}
