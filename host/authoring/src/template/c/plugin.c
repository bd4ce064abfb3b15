// Does what wit/plugin.wit promises.
#include <inttypes.h>
#include <stdio.h>

#include "plugin.h"
#include "witapi.h"

// How many notes there is room for.
enum { ROOM = 1000 };

static const char *key(uint32_t id)
{
	static char key[16];
	snprintf(key, sizeof key, "note-%" PRIu32, id);
	return key;
}

// The functions of the interface `notes`. By the time that they are called, what the client sent was checked. `true` is the
// result's `ok`, `false` its error.

bool exports_notes_create_note(plugin_string_t *text, exports_notes_note_t *note, exports_notes_refusal_t *refusal)
{
	// Each call has a new instance of the plugin. What is to stay is in the store.
	uint64_t id = witapi_increment("last-id", 1);
	if (id > ROOM) {
		refusal->tag = EXPORTS_NOTES_REFUSAL_FULL;
		refusal->val.full = ROOM;
		return false;
	}
	note->id = (uint32_t)id;
	note->text = *text;
	witapi_set_text(key(note->id), note->text);
	fprintf(stderr, "kept note %" PRIu32 "\n", note->id);
	return true;
}

bool exports_notes_get_note(uint32_t id, exports_notes_note_t *note, exports_notes_refusal_t *refusal)
{
	note->id = id;
	if (!witapi_get_text(key(id), &note->text)) {
		refusal->tag = EXPORTS_NOTES_REFUSAL_NOT_FOUND;
		refusal->val.not_found = id;
		return false;
	}
	return true;
}
