#include "witapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What printf would print, from malloc.
static char *printed(const char *format, va_list arguments, size_t *length)
{
	va_list again;
	va_copy(again, arguments);
	int wanted = vsnprintf(NULL, 0, format, arguments);
	char *text = wanted < 0 ? NULL : malloc((size_t)wanted + 1);
	if (!text)
		abort();
	vsnprintf(text, (size_t)wanted + 1, format, again);
	va_end(again);
	*length = (size_t)wanted;
	return text;
}

void witapi_fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	abort();
}

void witapi_log(enum witapi_level level, const char *format, ...)
{
	size_t length;
	va_list arguments;
	va_start(arguments, format);
	char *text = printed(format, arguments, &length);
	va_end(arguments);
#ifdef WITAPI_LOGGING
	plugin_string_t context = {NULL, 0}, message = {(uint8_t *)text, length};
	wasi_logging_logging_log((uint8_t)level, &context, &message);
#else
	static const char *const names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"};
	fprintf(stderr, "%s %s\n", names[level], text);
#endif
	free(text);
}

#ifdef WITAPI_STRING
static plugin_string_t copy_of(const uint8_t *bytes, size_t length)
{
	plugin_string_t copy;
	plugin_string_dup_n(&copy, (const char *)bytes, length);
	return copy;
}

plugin_string_t witapi_text(const char *format, ...)
{
	plugin_string_t text;
	va_list arguments;
	va_start(arguments, format);
	text.ptr = (uint8_t *)printed(format, arguments, &text.len);
	va_end(arguments);
	return text;
}

char *witapi_cstr(plugin_string_t text)
{
	char *copy = malloc(text.len + 1);
	if (!copy)
		abort();
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return copy;
}

plugin_string_t witapi_copy(plugin_string_t text)
{
	return copy_of(text.ptr, text.len);
}

static bool is_space(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

plugin_string_t witapi_trim(plugin_string_t text)
{
	while (text.len && is_space(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len && is_space(text.ptr[text.len - 1]))
		text.len--;
	return copy_of(text.ptr, text.len);
}

bool witapi_equal(plugin_string_t one, const char *other)
{
	return one.len == strlen(other) && memcmp(one.ptr, other, one.len) == 0;
}
#endif

#ifdef WITAPI_STORE
static _Noreturn void fail(const char *what, const char *key, const wasi_keyvalue_store_error_t *error)
{
	switch (error->tag) {
	case WASI_KEYVALUE_STORE_ERROR_NO_SUCH_STORE:
		witapi_fail("keyvalue: %s %s: no such store", what, key);
	case WASI_KEYVALUE_STORE_ERROR_ACCESS_DENIED:
		witapi_fail("keyvalue: %s %s: access denied", what, key);
	default:
		witapi_fail("keyvalue: %s %s: %.*s", what, key, (int)error->val.other.len, (const char *)error->val.other.ptr);
	}
}

// The host has one store for each plugin.
static wasi_keyvalue_store_borrow_bucket_t bucket(void)
{
	static bool is_open;
	static wasi_keyvalue_store_own_bucket_t own;
	if (!is_open) {
		plugin_string_t name;
		wasi_keyvalue_store_error_t error;
		plugin_string_set(&name, "default");
		if (!wasi_keyvalue_store_open(&name, &own, &error))
			fail("open", "default", &error);
		is_open = true;
	}
	return wasi_keyvalue_store_borrow_bucket(own);
}

bool witapi_get(const char *key, uint8_t **value, size_t *length)
{
	plugin_string_t name;
	plugin_option_list_u8_t found;
	wasi_keyvalue_store_error_t error;
	plugin_string_set(&name, key);
	if (!wasi_keyvalue_store_method_bucket_get(bucket(), &name, &found, &error))
		fail("get", key, &error);
	if (found.is_some) {
		*value = found.val.ptr;
		*length = found.val.len;
	}
	return found.is_some;
}

void witapi_set(const char *key, const void *value, size_t length)
{
	plugin_string_t name;
	plugin_list_u8_t bytes = {(uint8_t *)value, length};
	wasi_keyvalue_store_error_t error;
	plugin_string_set(&name, key);
	if (!wasi_keyvalue_store_method_bucket_set(bucket(), &name, &bytes, &error))
		fail("set", key, &error);
}

void witapi_delete(const char *key)
{
	plugin_string_t name;
	wasi_keyvalue_store_error_t error;
	plugin_string_set(&name, key);
	if (!wasi_keyvalue_store_method_bucket_delete(bucket(), &name, &error))
		fail("delete", key, &error);
}

bool witapi_exists(const char *key)
{
	plugin_string_t name;
	bool is_there;
	wasi_keyvalue_store_error_t error;
	plugin_string_set(&name, key);
	if (!wasi_keyvalue_store_method_bucket_exists(bucket(), &name, &is_there, &error))
		fail("exists", key, &error);
	return is_there;
}

bool witapi_get_text(const char *key, plugin_string_t *value)
{
	return witapi_get(key, &value->ptr, &value->len);
}

void witapi_set_text(const char *key, plugin_string_t value)
{
	witapi_set(key, value.ptr, value.len);
}
#endif

#ifdef WITAPI_ATOMICS
uint64_t witapi_increment(const char *key, uint64_t by)
{
	plugin_string_t name;
	uint64_t value;
	wasi_keyvalue_atomics_error_t error;
	plugin_string_set(&name, key);
	if (!wasi_keyvalue_atomics_increment(bucket(), &name, by, &value, &error))
		fail("increment", key, &error);
	return value;
}
#endif

#ifdef WITAPI_REQUEST
#define FACT(name)                                    \
	plugin_string_t witapi_request_##name(void)       \
	{                                                 \
		plugin_string_t fact;                         \
		witapi_host_request_##name(&fact);            \
		return fact;                                  \
	}

FACT(id)
FACT(method)
FACT(route)
FACT(target)
FACT(peer)

bool witapi_request_header(const char *name, plugin_string_t *value)
{
	plugin_string_t wanted;
	plugin_string_set(&wanted, name);
	return witapi_host_request_header(&wanted, value);
}
#endif
