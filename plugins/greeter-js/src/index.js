const HELLO = { english: "Hello", french: "Bonjour", german: "Hallo", spanish: "Hola" };
const WELCOME = {
  english: (guest, host) => `Welcome, ${guest}! ${host} is glad that you are here.`,
  french: (guest, host) => `Bienvenue, ${guest} ! ${host} se réjouit de te voir.`,
  german: (guest, host) => `Willkommen, ${guest}! ${host} freut sich, dass du da bist.`,
  spanish: (guest, host) => `¡Te damos la bienvenida, ${guest}! ${host} se alegra de verte.`,
};
const MAX_GUESTS = 100;

// The export of the WIT's interface `greetings`. An `option` that is none is `null`; what is thrown is the `error`.
export const greetings = {
  getGreeting(name, language) {
    language ??= "english";
    return { text: `${HELLO[language]}, ${checked(name)}!`, language };
  },

  listLanguages() {
    return Object.keys(HELLO);
  },

  welcome({ host, guests, language }) {
    language ??= "english";
    if (guests.length > MAX_GUESTS) {
      throw { tag: "too-large", val: guests.length };
    }
    return guests.map((guest) => ({ text: WELCOME[language](checked(guest), checked(host)), language }));
  },
};

function checked(name) {
  if (name.trim() === "") {
    throw { tag: "invalid", val: "the name is empty" };
  }
  return name.trim();
}
