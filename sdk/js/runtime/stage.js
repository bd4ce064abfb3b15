// While a plugin is built its modules run once, and what they leave in memory is where every request begins. There is no
// host then, so nothing can be logged, and what is random would be the same in every request.
let isCalled = false;
const later = [];

/** Whether a request is being answered. */
export const isServing = () => isCalled;

/** Runs it in every request, before anything else. */
export function whenServing(task) {
  if (isCalled) {
    task();
  } else {
    later.push(task);
  }
}

/** Says that a request is being answered. */
export function serve() {
  if (!isCalled) {
    isCalled = true;
    later.forEach((task) => task());
  }
}
