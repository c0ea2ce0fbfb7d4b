// The console: what calls tell is shown as text, never as markup. The token lives as long as the tab.

const KEPT = "mediasrv-token";
const PAGE = 30;
const SIDES = { caller: "Caller", bot: "Bot" };
const QUIETEST_DB = -60;
const SLOW_MS = 1000;
const POLL_MS = 5000;
const RENEW_MS = 240_000; // well before a ticket ends
const PAINT_MS = 250;

const at = (id) => document.getElementById(id);

const seen = {
  about: { records: false, recordings: false, stages: [] },
  live: new Map(), // calls by name, oldest first
  last: new Map(), // the last words of each
  over: new Set(), // names of calls that have ended while we watched
  elsewhere: new Set(), // names of live calls of which we are told only when we ask
};
let leaveView = () => {};

// -- elements -----------------------------------------------------------------------------------------------------

/** An element; strings among its children become text. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const clock = (seconds) => {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
};
const undo = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
const moment = (text) => Date.parse(text) / 1000;
const age = (call) => clock(Date.now() / 1000 - moment(call.started));
const day = (text) => new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
const milliseconds = (duration) => `${Math.round(duration)} ms`;
const other = (call) => (call.direction === "outbound" ? call.to_number : call.from_number) || "Unknown number";
const ways = (call) => (call.direction === "outbound" ? "called by us" : "called us");
const about = (call) => [call.agent, call.carrier, ways(call)].filter(Boolean).join(" · ");

// -- asking -------------------------------------------------------------------------------------------------------

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** An answer that is all right; otherwise ``Refused``, and out of the house for who has no token. */
async function ask(path, options = {}) {
  const token = sessionStorage.getItem(KEPT) ?? "";
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(path, { ...options, headers, cache: "no-store", redirect: "error" });
  if (answer.ok) return answer;
  const told = await answer.json().then((body) => body.error.message, () => answer.statusText);
  const wait = answer.headers.get("Retry-After");
  const fault = new Refused(answer.status, wait ? `${told} (${wait} s)` : told);
  if (answer.status === 401) showDoor("This token is not the one.");
  throw fault;
}

const askJson = async (path, options) => (await ask(path, options)).json();

/** Whatever breaks off is begun anew, until the signal; what happens goes to ``take(name, data)``. */
async function follow(path, take, signal) {
  for (let tries = 0; !signal.aborted; tries += 1) {
    try {
      const answer = await ask(path, { signal });
      showLine("here", "Connected");
      tries = 0;
      await read(answer.body, take);
    } catch (fault) {
      if (signal.aborted || fault.status === 401) return;
      showLine("away", fault instanceof Refused ? fault.message : "Connecting…");
    }
    await new Promise((resume) => setTimeout(resume, Math.min(10000, 500 * 2 ** Math.min(tries, 5))));
  }
}

/** Server-Sent Events of ours: one line of each field, and LF at their ends. */
async function read(body, take) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = "", part = await reader.read(); !part.done; part = await reader.read()) {
    const events = (rest + part.value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const fields = /^event: (.*)\ndata: (.*)$/.exec(event);
      if (fields) take(fields[1], JSON.parse(fields[2]));
    }
  }
}

/** Follow while the page is to be seen; nobody is measured for a tab behind others. */
function watch(path, take) {
  let control = new AbortController();
  const turn = () => {
    control.abort();
    if (document.visibilityState === "hidden") return;
    control = new AbortController();
    follow(path, take, control.signal);
  };
  document.addEventListener("visibilitychange", turn);
  turn();
  return () => {
    document.removeEventListener("visibilitychange", turn);
    control.abort();
    showLine("", "");
    at("live-count").textContent = "";
  };
}

function showLine(state, text) {
  at("line").textContent = text;
  if (state) at("line").dataset.state = state;
  else delete at("line").dataset.state;
}

// -- levels -------------------------------------------------------------------------------------------------------

function makeLevels(isWide) {
  const box = make("div", { className: isWide ? "levels wide" : "levels" });
  const bars = Object.keys(SIDES).map((side) => {
    const bar = make("i");
    const meter = make("div", { className: `level ${side}`, role: "meter" }, bar);
    const told = { label: `${SIDES[side]}’s level`, valuemin: QUIETEST_DB, valuemax: 0, valuenow: QUIETEST_DB };
    for (const [name, value] of Object.entries(told)) meter.setAttribute(`aria-${name}`, value);
    // The words beside it are for the eye.
    const name = make("span", { className: "quiet" }, SIDES[side]);
    name.setAttribute("aria-hidden", "true");
    box.append(name, meter);
    return { bar, meter };
  });
  const set = (levels) => {
    bars.forEach(({ bar, meter }, place) => {
      const share = Math.min(1, Math.max(0, 1 - levels[place] / QUIETEST_DB));
      const level = Math.min(0, Math.max(QUIETEST_DB, levels[place]));
      meter.setAttribute("aria-valuenow", level);
      meter.setAttribute("aria-valuetext", level > QUIETEST_DB ? `${level} dB` : "silent");
      bar.style.transform = `scaleX(${share.toFixed(3)})`;
    });
  };
  return { box, set };
}

// -- live calls ---------------------------------------------------------------------------------------------------

function noteCalls(name, data) {
  if (name === "calls") {
    seen.live = new Map(data.calls.map((call) => [call.id, call]));
  } else if (name === "began") {
    seen.over.delete(data.id);
    seen.elsewhere.delete(data.id);
    seen.live.set(data.id, data);
  } else if (name === "ended") {
    seen.over.add(data.call);
    seen.live.delete(data.call);
    seen.last.delete(data.call);
  } else if (name === "said") {
    seen.last.set(data.call, data);
  } else {
    return false;
  }
  at("live-count").textContent = seen.live.size || "";
  return name !== "said";
}

function noteElsewhere(calls) {
  const names = new Set(calls.map((call) => call.id));
  for (const id of seen.elsewhere) {
    if (names.has(id)) continue;
    seen.elsewhere.delete(id);
    seen.live.delete(id);
  }
  for (const call of calls) {
    if (seen.over.has(call.id) || seen.live.has(call.id)) continue;
    seen.elsewhere.add(call.id);
    seen.live.set(call.id, call);
  }
  at("live-count").textContent = seen.live.size || "";
}

function showLive(view) {
  const rows = new Map();
  const list = make("ul", { className: "calls", id: "live" });
  const empty = make("p", { className: "empty" }, "Nobody is on the line.");
  view.append(list, empty);

  const draw = () => {
    for (const [id, row] of rows) {
      if (seen.live.has(id)) continue;
      row.item.remove();
      rows.delete(id);
    }
    for (const call of seen.live.values()) {
      if (rows.has(call.id)) continue;
      const row = makeLiveRow(call);
      rows.set(call.id, row);
      list.prepend(row.item);
      row.tell(seen.last.get(call.id));
    }
    empty.hidden = rows.size > 0;
  };
  const stop = watch("/console/events", (name, data) => {
    if (noteCalls(name, data)) draw();
    if (name === "said") rows.get(data.call)?.tell(data);
    if (name === "levels") for (const [id, levels] of Object.entries(data)) rows.get(id)?.set(levels);
  });
  const ticking = setInterval(() => rows.forEach((row) => row.tick()), 1000);
  // Other processes and servers have calls too.
  const poll = async () => {
    if (document.visibilityState === "hidden") return;
    const page = await askJson("/calls?live=true&most=200").catch(() => null);
    if (page) noteElsewhere(page.calls);
    draw();
  };
  const polling = setInterval(poll, POLL_MS);
  draw();
  return () => {
    stop();
    clearInterval(ticking);
    clearInterval(polling);
  };
}

function makeLiveRow(call) {
  const levels = makeLevels(false);
  const time = make("span", { className: "when figure" }, age(call));
  const last = make("span", { className: "last" });
  const link = make(
    "a",
    { href: `#/call/${encodeURIComponent(call.id)}` },
    make("span", { className: "who" }, other(call)),
    time,
    make("span", { className: "about" }, about(call)),
    levels.box,
    last,
  );
  return {
    item: make("li", {}, link),
    set: levels.set,
    tick: () => (time.textContent = age(call)),
    tell: (words) => words && last.replaceChildren(make("b", {}, `${SIDES[words.side] ?? words.side}: `), words.text),
  };
}

// -- calls that are over ------------------------------------------------------------------------------------------

function showEnded(view, text) {
  const input = make("input", { type: "search", value: text, placeholder: "Number, agent or words", maxLength: 200 });
  input.setAttribute("aria-label", "Search calls");
  const search = make("form", { className: "search", role: "search" }, input, make("button", { type: "submit" }, "Search"));
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = input.value ? `#/ended/${encodeURIComponent(input.value)}` : "#/ended";
  });
  const list = make("ul", { className: "calls", id: "ended" });
  const note = make("p", { className: "empty" }, "…");
  const more = make("button", { className: "more", type: "button", hidden: true }, "More");
  view.append(search, list, note, more);

  const load = async (after) => {
    more.disabled = true;
    const query = new URLSearchParams({ live: "false", most: PAGE, ...(text && { text }), ...(after && { after }) });
    try {
      const page = await askJson(`/calls?${query}`);
      list.append(...page.calls.map(makeEndedRow));
      note.textContent = seen.about.records ? "No such call." : "This server keeps no records: set records.path.";
      note.hidden = list.childElementCount > 0;
      more.hidden = page.next === null;
      more.onclick = () => load(page.next);
    } catch (fault) {
      note.textContent = fault.message;
      note.hidden = false;
    }
    more.disabled = false;
  };
  load("");
  return () => {};
}

function makeEndedRow(call) {
  return make(
    "li",
    {},
    make(
      "a",
      { href: `#/call/${encodeURIComponent(call.id)}` },
      make("span", { className: "who" }, other(call)),
      make("span", { className: "when figure" }, clock(call.duration_s ?? 0)),
      make("span", { className: "about wide" }, `${day(call.started)} · ${call.cause ?? ""}`),
      make("span", { className: "about wide" }, about(call)),
    ),
  );
}

// -- one call -----------------------------------------------------------------------------------------------------

function showCall(view, id) {
  const head = make("div", { className: "call-head" });
  const main = make("div");
  const aside = make("aside");
  view.append(head, make("div", { className: "split" }, main, aside));
  let leave = () => {};

  const showOver = async () => {
    leave();
    leave = () => {};
    try {
      const call = await askJson(`/calls/${encodeURIComponent(id)}`);
      if (!call.ended) return;
      drawHead(head, call);
      main.replaceChildren();
      aside.replaceChildren();
      drawOver(main, aside, call);
    } catch (fault) {
      if (!main.childElementCount) main.replaceChildren(make("p", { className: "empty" }, fault.message));
    }
  };
  const showNow = (call) => {
    leave = followCall(head, main, aside, call, showOver);
  };
  const call = seen.live.get(id);
  if (call) showNow(call);
  else {
    askJson(`/calls/${encodeURIComponent(id)}`).then(
      (found) => (found.ended ? showOver() : showNow(found)),
      (fault) => main.replaceChildren(make("p", { className: "empty" }, fault.message)),
    );
  }
  return () => leave();
}

function drawHead(head, call) {
  const isLive = !call.ended;
  const state = isLive ? `Live · ${age(call)}` : `${clock(call.duration_s)} · ${call.cause}`;
  const line = make("span", { className: isLive ? "state live figure" : "state" }, state);
  head.replaceChildren(
    make("a", { className: "back", href: isLive ? "#/" : "#/ended" }, isLive ? "← Live calls" : "← Ended calls"),
    make("h1", {}, other(call)),
    make("span", { className: "about" }, `${about(call)} · ${day(call.started)}`),
    line,
  );
  return line;
}

function followCall(head, main, aside, call, isOver) {
  const line = drawHead(head, call);
  const levels = makeLevels(true);
  const talk = makeTalk();
  talk.list.setAttribute("aria-live", "polite");
  main.replaceChildren(make("section", { className: "panel voices" }, levels.box), talk.list);
  aside.replaceChildren(make("section", { className: "panel" }, make("h2", {}, "About"), makeFacts(call)));
  const stop = watch(`/console/events?call=${encodeURIComponent(call.id)}`, (name, data) => {
    noteCalls(name, data);
    if (name === "calls") {
      talk.clear();
      if (!seen.live.has(call.id)) isOver();
    } else if (name === "levels") {
      levels.set(data[call.id] ?? [QUIETEST_DB, QUIETEST_DB]);
    } else if (data.call === call.id) {
      talk.add(name, data);
      if (name === "ended") {
        line.className = "state";
        line.textContent = `${age(call)} · ${data.cause}`;
        levels.set([QUIETEST_DB, QUIETEST_DB]);
        clearInterval(ticking);
        // The records need a moment.
        setTimeout(isOver, 1500);
      }
    }
  });
  const ticking = setInterval(() => (line.textContent = `Live · ${age(call)}`), 1000);
  return () => {
    stop();
    clearInterval(ticking);
  };
}

function makeFacts(call) {
  const facts = { Caller: call.from_number, Called: call.to_number, Agent: call.agent, Carrier: call.carrier, Call: call.id };
  const rows = Object.entries(facts).filter(([, value]) => value);
  return make("dl", { className: "facts" }, ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

// -- the conversation ---------------------------------------------------------------------------------------------

const NOTES = {
  barged_in: () => "The caller broke in",
  false_alarm: () => "The bot paused, and went on",
  ended: (data) => `The call is over: ${data.cause}`,
};

function makeTalk() {
  const list = make("ol", { className: "talk", id: "talk" });
  list.setAttribute("aria-label", "Conversation");
  const ofTurn = new Map();
  const put = (item) => {
    const page = document.documentElement;
    const isAtEnd = page.scrollHeight - page.scrollTop - page.clientHeight < 120;
    list.append(item);
    if (isAtEnd) page.scrollTop = page.scrollHeight;
  };
  return {
    list,
    clear: () => {
      list.replaceChildren();
      ofTurn.clear();
    },
    add: (name, data) => {
      if (name === "said") {
        const isMore = data.side === "caller" && data.turn !== null && ofTurn.has(data.turn);
        const item = makeWords(data);
        if (isMore) ofTurn.get(data.turn).replaceWith(item);
        else put(item);
        if (data.side === "caller") ofTurn.set(data.turn, item);
      } else if (name === "turn") {
        put(makeTurn(data));
      } else if (name in NOTES) {
        put(make("li", { className: "note" }, NOTES[name](data)));
      }
    },
  };
}

function makeWords(words) {
  const side = words.side === "bot" ? "bot" : "caller";
  const time = new Date(words.at).toLocaleTimeString([], { timeStyle: "medium" });
  const cut = words.complete === false ? " · cut short" : "";
  return make(
    "li",
    { className: `words ${side}` },
    make("span", { className: "small quiet" }, make("span", { className: "side" }, SIDES[side]), ` ${time}${cut}`),
    words.text,
  );
}

/** The waterfall of a turn, from the caller's last sound to the first that he heard of the answer. */
function makeTurn(turn) {
  const whole = turn.response_ms;
  const scale = Math.max(SLOW_MS, whole);
  const strip = make("span", { className: "strip" });
  const stages = make("ul", { className: "stages" });
  let start = 0;
  for (const { name, meaning } of seen.about.stages) {
    const lasted = turn[`${name}_ms`];
    const piece = make("i", { className: name });
    piece.style.width = `${(100 * lasted) / scale}%`;
    strip.append(piece);
    const ahead = turn.ahead?.[name];
    if (lasted > 0 || ahead) {
      const track = make("div", { className: "track" });
      if (ahead?.[1] > 0) track.append(makeBar(`${name} ahead`, Math.max(0, ahead[0]), ahead[1], scale));
      if (lasted > 0) track.append(makeBar(name, start, start + lasted, scale));
      // Work that was done before it was waited for is told apart; before the caller's last sound there is no room for it.
      const figure = lasted === 0 && ahead ? "ahead" : milliseconds(lasted);
      stages.append(make("li", {}, make("span", { className: "name" }, meaning), track, makeFigure(figure)));
    }
    start += lasted;
  }
  const total = make("span", { className: whole > SLOW_MS ? "total figure slow" : "total figure" }, milliseconds(whole));
  const label = make("span", { className: "label" }, "Answered in");
  const summary = make("summary", { title: "From the caller's last sound to our first" }, label, strip, total);
  return make("li", { className: "turn" }, make("details", {}, summary, stages));
}

function makeFigure(text) {
  const title = text === "ahead" ? "Done before anybody waited for it" : "";
  return make("span", { className: "figure", title }, text);
}

function makeBar(className, from, to, scale) {
  const bar = make("i", { className });
  bar.style.left = `${(100 * from) / scale}%`;
  bar.style.width = `${(100 * (to - from)) / scale}%`;
  return bar;
}

// -- a call that is over ------------------------------------------------------------------------------------------

function drawOver(main, aside, call) {
  const started = moment(call.started);
  const length = Math.max(call.duration_s, 0.001);
  const share = (text, before = 0) => Math.min(100, Math.max(0, (100 * (moment(text) - before - started)) / length));
  const lanes = makeLanes(call, share);
  const timeline = make("section", { className: "panel", id: "timeline" }, make("h2", {}, "Timeline"), lanes.box);
  const key = make("span", { className: "key" }, "the caller waits");
  timeline.append(make("div", { className: "axis figure" }, make("span", {}, "0:00"), ...(call.turns.length ? [key] : []), make("span", {}, clock(length))));
  const ours = call.recordings.filter((recording) => recording.maker === "server");
  if (seen.about.recordings) {
    ours.forEach((recording, part) => timeline.append(makePlayer(call, recording, part, lanes, started, length)));
  }
  const talk = makeTalk();
  const told = [
    ...call.transcript.map((words) => ["said", { ...words, turn: null }, words.at]),
    ...call.turns.map((turn) => ["turn", turn, turn.heard]),
  ];
  told.sort((one, another) => moment(one[2]) - moment(another[2]));
  for (const [name, data] of told) talk.add(name, data);
  if (!told.length) talk.list.append(make("li", { className: "note" }, "Nothing is known of what was said."));
  main.append(timeline, talk.list);
  aside.append(make("section", { className: "panel" }, make("h2", {}, "About"), makeFacts(call)), makeFigures(call));
}

function makeFigures(call) {
  const facts = make("dl", { className: "facts" });
  const times = call.turns.map((turn) => turn.response_ms).sort((one, another) => one - another);
  const add = (name, value) => facts.append(make("dt", {}, name), make("dd", { className: "figure" }, value));
  add("Turns", String(times.length));
  if (times.length) {
    add("Median answer", milliseconds(times[Math.floor((times.length - 1) / 2)]));
    add("Slowest answer", milliseconds(times[times.length - 1]));
  }
  for (const { provider, use, amount } of call.usage) add(`${provider}, ${use}`, Number(amount).toLocaleString());
  return make("section", { className: "panel" }, make("h2", {}, "Figures"), facts);
}

/** Two lanes of voices: where they were when nothing is recorded, and how they sounded when it is. */
function makeLanes(call, share) {
  const lane = (side) => make("div", { className: `lane ${side}` }, make("span", {}, SIDES[side]));
  const both = { caller: lane("caller"), bot: lane("bot") };
  const box = make("div", { className: "lanes", role: "img" }, both.caller, both.bot);
  box.setAttribute("aria-label", "When each of them spoke; the conversation below tells it in words");
  const mark = (parent, className, from, to, title) => {
    const piece = make(className ? "div" : "i", { className, title });
    piece.style.left = `${from}%`;
    piece.style.width = `${Math.max(0, to - from)}%`;
    parent.append(piece);
  };
  for (const turn of call.turns) {
    const voiced = share(turn.heard, turn.response_ms / 1000);
    mark(box, "wait", voiced, share(turn.heard), milliseconds(turn.response_ms));
  }
  for (const words of call.transcript) {
    const end = share(words.at);
    // The bot's words are told when they were heard to their end, the caller's when they were understood.
    const heard = call.turns.map((turn) => share(turn.heard)).filter((start) => start < end);
    const start = words.side === "bot" && heard.length ? heard[heard.length - 1] : end;
    mark(both[words.side] ?? both.caller, "", start, end, words.text);
  }
  return { box, both };
}

function makePlayer(call, recording, part, lanes, started, length) {
  const button = make("button", { type: "button", className: "listen" }, `Listen · ${clock(recording.duration_ms / 1000)}`);
  const note = make("span", { className: "quiet small" }, recording.is_whole ? "" : "Some of it was lost.");
  const box = make("div", { className: "player" }, button, note);
  const path = `/console/calls/${encodeURIComponent(call.id)}/recording`;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      // The player can send no token; a ticket comes as a cookie, which it does send.
      await ask(path, { method: "POST" });
      const sound = `${path}?part=${part}`;
      const began = moment(recording.began) - started;
      const audio = makeAudio(sound, lanes.box, began, length);
      audio.addEventListener("error", () => say("The recording cannot be played, or no more: open the call anew."));
      const renewing = setInterval(() => {
        if (audio.isConnected) ask(path, { method: "POST" }).catch(() => {});
        else clearInterval(renewing);
      }, RENEW_MS);
      box.replaceChildren(audio, note);
      await drawVoices((await ask(sound)).body, lanes.both, began, length);
    } catch (fault) {
      say(fault.message);
      button.disabled = false;
    }
  });
  const say = (fault) => {
    note.textContent = fault;
    note.className = "fault small";
  };
  return box;
}

function makeAudio(sound, lanes, began, length) {
  const audio = make("audio", { controls: true, src: sound });
  const needle = make("div", { className: "needle" });
  audio.setAttribute("aria-label", "The call’s recording");
  lanes.append(needle);
  lanes.classList.add("playable");
  const show = () => (needle.style.left = `${Math.min(100, Math.max(0, (100 * (began + audio.currentTime)) / length))}%`);
  const run = () => {
    show();
    if (!audio.paused && audio.isConnected) requestAnimationFrame(run);
  };
  audio.addEventListener("play", run);
  audio.addEventListener("seeked", show);
  lanes.addEventListener("click", (event) => {
    const frame = lanes.getBoundingClientRect();
    audio.currentTime = Math.max(0, ((event.clientX - frame.left) / frame.width) * length - began);
    audio.play().catch(() => {});
  });
  show();
  audio.play().catch(() => {});
  return audio;
}

/** Both voices of a WAV file of ours, 16-bit stereo behind a header of 44 bytes, in the lanes as they come. */
async function drawVoices(body, both, began, length) {
  const voices = Object.keys(SIDES).map((side) => makeVoice(both[side], side));
  const columns = voices[0].peaks.length;
  const reader = body.getReader();
  let [rest, rate, passed, painted] = [new Uint8Array(), 0, 0, 0];
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (!both.caller.isConnected) return reader.cancel();
    const bytes = new Uint8Array(rest.length + part.value.length);
    bytes.set(rest);
    bytes.set(part.value, rest.length);
    rest = bytes;
    if (!rate && bytes.length < 44) continue;
    const start = rate ? 0 : 44;
    rate ||= new DataView(bytes.buffer).getUint32(24, true);
    const count = Math.floor((bytes.length - start) / 4);
    const samples = new DataView(bytes.buffer, start);
    for (let n = 0; n < count; n += 1) {
      const column = Math.floor((((passed + n) / rate + began) / length) * columns);
      if (column < 0 || column >= columns) continue;
      voices.forEach(({ peaks }, channel) => {
        peaks[column] = Math.max(peaks[column], Math.abs(samples.getInt16(4 * n + 2 * channel, true)));
      });
    }
    passed += count;
    rest = bytes.slice(start + 4 * count);
    if (performance.now() - painted < PAINT_MS) continue;
    voices.forEach((voice) => voice.paint());
    painted = performance.now();
  }
  voices.forEach((voice) => voice.paint());
}

/** A lane's picture of a voice: the loudest of each column, or -1 where nothing is known. */
function makeVoice(lane, side) {
  const canvas = make("canvas", { width: Math.round(lane.clientWidth * devicePixelRatio), height: Math.round(lane.clientHeight * devicePixelRatio) });
  const peaks = new Float32Array(canvas.width).fill(-1);
  for (const mark of lane.querySelectorAll("i, canvas")) mark.remove();
  lane.prepend(canvas);
  const paint = () => {
    const brush = canvas.getContext("2d");
    brush.clearRect(0, 0, canvas.width, canvas.height);
    brush.fillStyle = getComputedStyle(lane).getPropertyValue(`--${side}`);
    // A voice that is quiet is to be seen too; the hiss of a line is not.
    const loudest = peaks.reduce((most, peak) => Math.max(most, peak), 3000);
    peaks.forEach((peak, column) => {
      const height = Math.max(1, (peak / loudest) * 0.8 * canvas.height);
      if (peak >= 0) brush.fillRect(column, (canvas.height - height) / 2, 1, height);
    });
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => canvas.isConnected && paint());
  return { peaks, paint };
}

// -- the house ----------------------------------------------------------------------------------------------------

function showDoor(fault = "") {
  sessionStorage.removeItem(KEPT);
  leaveView();
  leaveView = () => {};
  at("house").hidden = true;
  at("door").hidden = false;
  at("door-fault").textContent = fault;
  at("token").setAttribute("aria-invalid", fault !== "");
  at("view").replaceChildren();
  at("token").focus();
}

function show() {
  leaveView();
  const [, room = "", rest = ""] = /^#\/([^/]*)\/?(.*)$/.exec(location.hash) ?? [];
  const view = at("view");
  view.replaceChildren();
  scrollTo(0, 0);
  for (const [id, name] of [["to-live", ""], ["to-ended", "ended"]]) {
    if (room === name) at(id).setAttribute("aria-current", "page");
    else at(id).removeAttribute("aria-current");
  }
  document.title = `${{ call: "Call", ended: "Ended calls" }[room] ?? "Live calls"} · mediasrv`;
  if (room === "call") leaveView = showCall(view, undo(rest));
  else if (room === "ended") leaveView = showEnded(view, undo(rest));
  else leaveView = showLive(view);
}

async function enter() {
  seen.about = await askJson("/console/about");
  at("door").hidden = true;
  at("house").hidden = false;
  at("token").value = "";
  show();
}

at("door-form").addEventListener("submit", (event) => {
  event.preventDefault();
  at("door-fault").textContent = "";
  sessionStorage.setItem(KEPT, at("token").value.trim());
  enter().catch((fault) => fault.status !== 401 && showDoor(fault.message));
});
at("leave").addEventListener("click", () => showDoor());
addEventListener("hashchange", () => {
  if (at("house").hidden) return;
  show();
  // Whoever reads by ear or by keys goes on where the new view begins.
  at("view").focus({ preventScroll: true });
});
if (sessionStorage.getItem(KEPT)) enter().catch((fault) => fault.status !== 401 && showDoor(fault.message));
else showDoor();
