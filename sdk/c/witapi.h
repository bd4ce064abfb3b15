// What plugins in C share, beside the bindings in plugin.h.
//
// Whose memory is it? All of it is yours, and none of it needs to be freed: an instance of a plugin lives for one call, and its
// memory goes with it. One thing matters: what you give back is freed by the bindings. So it has to come from malloc, as all
// strings do that functions here make, or be a parameter of yours, and may be in the answer only once. plugin_string_set,
// which copies nothing, is for strings that you pass to imports.
#ifndef WITAPI_H
#define WITAPI_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin.h"
#include "witapi_imports.h"

// Ends the call: the client gets a 500, and the host's log the text.
_Noreturn void witapi_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

enum witapi_level { WITAPI_TRACE, WITAPI_DEBUG, WITAPI_INFO, WITAPI_WARN, WITAPI_ERROR, WITAPI_CRITICAL };

// A line for the host's log. fprintf(stderr, …) does it too, without a level.
// The level needs `import wasi:logging/logging@0.1.0-draft;` in the WIT; without it, it is the line's first word.
void witapi_log(enum witapi_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#ifdef WITAPI_STRING
// Strings have a length and no NUL at their end. They are UTF-8, and may have NULs within.

// A new string, as printf makes it.
plugin_string_t witapi_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
// A copy with a NUL at its end, for functions of C.
char *witapi_cstr(plugin_string_t text);
// A copy.
plugin_string_t witapi_copy(plugin_string_t text);
// A copy without white space at either end.
plugin_string_t witapi_trim(plugin_string_t text);
bool witapi_equal(plugin_string_t one, const char *other);
#endif

#ifdef WITAPI_STORE
// The plugin's own store. What goes wrong in it ends the call, as witapi_fail does.

// Reads a value; false if there is none.
bool witapi_get(const char *key, uint8_t **value, size_t *length);
// Writes a value. It is on disk when this returns.
void witapi_set(const char *key, const void *value, size_t length);
void witapi_delete(const char *key);
bool witapi_exists(const char *key);
// The same for values that are text.
bool witapi_get_text(const char *key, plugin_string_t *value);
void witapi_set_text(const char *key, plugin_string_t value);
#endif

#ifdef WITAPI_ATOMICS
// Adds to a counter and gives its new value. Calls at the same time all count, so that each gets another value.
uint64_t witapi_increment(const char *key, uint64_t by);
#endif

#ifdef WITAPI_REQUEST
// The facts of the HTTP request that the call answers.

// The request's id. It is in the answer's x-request-id too, and in each line of the host's log.
plugin_string_t witapi_request_id(void);
// In upper case, such as GET.
plugin_string_t witapi_request_method(void);
// The pattern that matched, such as /todos/{id}.
plugin_string_t witapi_request_route(void);
// Path and query as the client sent them.
plugin_string_t witapi_request_target(void);
// The first header of that name; the name's case does not matter. False if there is none.
bool witapi_request_header(const char *name, plugin_string_t *value);
// Address and port of the client's end of the connection.
plugin_string_t witapi_request_peer(void);
#endif

#endif
