// A field for a question, which the address keeps (?q=...), so that it can be passed on. The search
// and the error index have one.
function keepQuestion(field, show, pause) {
  const LONGEST = 500;

  function remember() {
    const address = new URL(location.href);
    const text = field.value.trim();
    if (text && text.length <= LONGEST) address.searchParams.set("q", text);
    else address.searchParams.delete("q");
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
  field.value = new URLSearchParams(location.search).get("q") || field.value;
  return answer;
}
